"""A virtual environment for each library, so that none sees another's dependencies."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENVS = HERE / ".venvs"

#: The newest releases that can be had, but for the one that all is compared with.
REQUIREMENTS = {
    # It imports six without asking for it.
    "jaeger_client": ["jaeger-client==4.8.0", "six"],
    "opentelemetry": ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"],
    "ddtrace": ["ddtrace"],
    "opentracing": ["opentracing"],
    "sink": ["thrift", "opentelemetry-proto", "msgpack"],
    "jaeger_like": [],  # what its setup.py says
}

#: The packages whose versions are worth a line in the results.
SHOWN = (
    *("jaeger-like", "jaeger-client", "opentelemetry-sdk", "ddtrace", "opentracing"),
    *("thrift", "tornado", "threadloop"),
)

_SOURCES = ("jaeger_like", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


def python_of(environment: str) -> Path:
    """Return the interpreter of an environment."""
    return VENVS / environment / "bin" / "python"


def prepare(environment: str) -> None:
    """Make an environment, unless it is there and up to date."""
    stamp = VENVS / environment / "installed"
    wanted = json.dumps([sys.version, REQUIREMENTS[environment], _fingerprint(environment)])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"preparing {environment} ...", file=sys.stderr, flush=True)
    subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENVS / environment)], check=True, env=clean()
    )
    if environment == "jaeger_like":
        _install_ours(python_of(environment))
    else:
        _pip(python_of(environment), *REQUIREMENTS[environment])
    stamp.write_text(wanted)


def clean(**variables: str) -> dict[str, str]:
    """Return the environment variables of this process without those that steer a peer."""
    prefixes = ("DD_", "JAEGER_", "OTEL_", "PYTHON", "COVERAGE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
    return {**kept, **variables}


def versions() -> dict[str, str]:
    """Return the versions of what is compared, and of what it stands on."""
    found: dict[str, str] = {}
    for environment in REQUIREMENTS:
        if environment == "sink" or not python_of(environment).exists():
            continue
        command = [str(python_of(environment)), "-m", "pip", "list", "--format=json"]
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=clean())
        for package in json.loads(run.stdout):
            if package["name"].lower().replace("_", "-") in SHOWN:
                found[package["name"]] = package["version"]
    return found


def _fingerprint(environment: str) -> str:
    if environment != "jaeger_like":
        return ""
    digest = hashlib.sha256()
    for path in sorted(_source_files()):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> list[Path]:
    files: list[Path] = []
    for name in _SOURCES:
        path = ROOT / name
        inside = path.rglob("*") if path.is_dir() else [path]
        files += (f for f in inside if f.is_file() and f.suffix not in (".pyc", ".so"))
    return files


def _install_ours(python: Path) -> None:
    # From a copy: building writes into the tree that it builds from.
    with tempfile.TemporaryDirectory() as directory:
        for path in _source_files():
            copy = Path(directory) / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        _pip(python, directory)


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True, env=clean())

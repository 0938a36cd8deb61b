"""A fresh installation is complete, and asks for nothing that an application may not have too."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jaeger_like.testing import RecordingAgent

ROOT = Path(__file__).parents[2]

# Hides what a fresh installation would not have; then imports everything and sends a span.
PROGRAM = """
import importlib, importlib.machinery, json, pkgutil, sys, sysconfig

allowed = set(json.loads(sys.argv[1]))
places = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})

class Hide:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if "." in name or name in allowed:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name)
        if spec is not None and (spec.origin or "").startswith(places):
            raise ModuleNotFoundError(f"{name} is not declared", name=name)
        return None

sys.meta_path.insert(0, Hide)

import jaeger_like
for module in pkgutil.walk_packages(jaeger_like.__path__, "jaeger_like."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

tracer = jaeger_like.Config(
    {
        "sampler": {"type": "const", "param": 1},
        "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": int(sys.argv[2])},
    },
    service_name="fresh",
).new_tracer()
tracer.start_span("sent by a fresh installation").finish()
assert tracer.close().result(10)
"""


def requirements() -> list[str]:
    """Return ``install_requires`` of setup.py, as it stands there."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            return ast.literal_eval(node.value)
    raise AssertionError("setup.py declares no requirements")


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def what_comes_along(names: list[str]) -> set[str]:
    """Return the names of distributions that an installer brings for *names*, without extras."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another Python or another system
        found.add(name)
        todo += [name_of(one) for one in needed if "extra" not in one.partition(";")[2]]
    return found


def test_defect_undeclared_six_a_fresh_installation_imports_and_sends():
    """The generated code imported six, which nothing declared and newer thrift does not bring."""
    names = what_comes_along([name_of(one) for one in requirements()])
    with RecordingAgent() as agent:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(sorted(names)), str(agent.port)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )
        assert (done.returncode, done.stderr) == (0, "")
        (span,) = agent.wait_for(1)
    assert span.operation_name == "sent by a fresh installation"


@pytest.mark.parametrize("requirement", requirements())
def test_defect_version_conflicts_no_dependency_is_held_back(requirement):
    """The range ends at the next major version only, and holds what is installed here."""
    name = name_of(requirement)
    found = re.fullmatch(rf"{name}>=([\d.]+),<(\d+)", requirement)
    assert found, "at least one version, below a next major one"
    installed = [int(number) for number in re.findall(r"\d+", importlib.metadata.version(name))[:3]]
    lowest = [int(number) for number in found.group(1).split(".")]
    assert lowest <= installed
    assert int(found.group(2)) == installed[0] + 1

"""The generated code: fits idl/, and imports wherever this package does."""

import filecmp
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "jaeger_like" / "thrift_gen"
PACKAGES = ("agent", "jaeger", "sampling", "zipkincore")
MODULES = (
    "agent.Agent",
    "agent.ttypes",
    "agent.constants",
    "jaeger.Collector",
    "jaeger.ttypes",
    "jaeger.constants",
    "sampling.SamplingManager",
    "sampling.ttypes",
    "sampling.constants",
    "zipkincore.ZipkinCollector",
    "zipkincore.ttypes",
    "zipkincore.constants",
)


def _compiler():
    """Return why the compiler cannot be used, or None."""
    path = shutil.which("thrift")
    if path is None:
        return "no thrift compiler on PATH"
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    made_with = re.search(
        r"Thrift Compiler \((\S+)\)", (GENERATED / "jaeger/ttypes.py").read_text()
    )
    if made_with.group(1) not in answer:
        return f"the files were made with {made_with.group(1)}, the compiler is {answer.strip()}"
    return None


def test_generating_again_gives_the_committed_files(tmp_path):
    reason = _compiler()
    if reason:
        pytest.skip(reason)
    subprocess.run(["sh", str(ROOT / "scripts/thrift.sh"), str(tmp_path)], check=True)
    for package in PACKAGES:
        made = sorted(p.name for p in (tmp_path / package).iterdir())
        kept = sorted(p.name for p in (GENERATED / package).glob("*.py"))
        assert made == kept
        for name in made:
            fresh, committed = tmp_path / package / name, GENERATED / package / name
            assert filecmp.cmp(fresh, committed, shallow=False), f"make thrift changes {committed}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_alone_without_six_and_without_warnings(module):
    # Thrift itself needed six until 0.22.
    needed = any(name.startswith("six") for name in metadata.requires("thrift") or ())
    program = (
        f"import sys; {needed} or sys.modules.update(six=None)\n"
        f"import jaeger_like.thrift_gen.{module} as module\n"
        f"assert module.__name__ == 'jaeger_like.thrift_gen.{module}'"
    )
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env=environment)


def test_names_that_programs_use():
    from jaeger_like.thrift_gen.jaeger import ttypes

    assert ttypes.TagType._NAMES_TO_VALUES == {
        "STRING": 0,
        "DOUBLE": 1,
        "BOOL": 2,
        "LONG": 3,
        "BINARY": 4,
    }
    assert ttypes.SpanRefType._VALUES_TO_NAMES == {0: "CHILD_OF", 1: "FOLLOWS_FROM"}
    batch = ttypes.Batch(seqNo=1, stats=ttypes.ClientStats(1, 2, 3))
    assert (batch.seqNo, batch.stats.tooLargeDroppedSpans) == (1, 2)

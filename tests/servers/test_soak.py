"""A short run of ``scripts/soak.py``, which is meant for ten minutes, and that it can fail."""

import importlib.util
import os
import subprocess
import sys

import pytest

from .support import ROOT

SOAK = ROOT / "scripts" / "soak.py"
FINE = {
    "seconds": 10, "finished": 100, "checksum": 5, "flushed": True, "late": 0,
    "rss before": 1e6, "rss after": 1e6, "threads before": 2, "threads after": 2,
    "descriptors before": 9, "descriptors after": 9,
}  # fmt: skip
CAME = {"came": 100, "different": 100, "checksum": 5, "lost": [0, 0, 0]}


def test_fifteen_seconds():
    completed = subprocess.run(
        [sys.executable, "-W", "error", str(SOAK), "--seconds", "15", "--rate", "5000"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "fine" in completed.stdout


@pytest.fixture(scope="module")
def soak():
    spec = importlib.util.spec_from_file_location("soak", SOAK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_fine(soak, capsys):
    assert soak.judge(FINE, CAME) == 0
    assert "fine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"came": 99, "different": 99}, "missing"),
        ({"came": 101}, "twice"),
        ({"came": 100, "different": 99}, "twice"),
        ({"checksum": 4}, "other spans"),
        ({"lost": [1, 0, 0]}, "losses"),
        ({"flushed": False}, "flush"),
        ({"rss after": 1e7}, "rss has grown"),
        ({"threads after": 3}, "threads has grown"),
        ({"descriptors after": 10}, "descriptors has grown"),
    ],
)
def test_what_is_not(soak, capsys, change, word):
    of_sink = change.keys() <= CAME.keys()
    figures, came = ({}, change) if of_sink else (change, {})
    assert soak.judge({**FINE, **figures}, {**CAME, **came}) == 1
    assert word in capsys.readouterr().out

"""The crossdock's scripts, which are no package, for the tests of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CROSSDOCK = Path(__file__).parent.parent / "crossdock"
# Scripts, not a package: they find one another in the folder in which they are.
sys.path.insert(0, str(CROSSDOCK))

import build
import matrix
import server as ours
from driver import capture as capturing
from driver import differences, known, model, peers, run, table, wire_spans
from driver.chain import BAGGAGE, DECISIONS, Scenario, question, scenarios
from tracers import Tracers

sys.path.remove(str(CROSSDOCK))

__all__ = [
    "ALL", "BAGGAGE", "CROSSDOCK", "DECISIONS", "SCENARIO", "Scenario", "Tracers", "build",
    "capturing", "command", "differences", "known", "matrix", "model", "ours", "peers",
    "question", "run", "scenarios", "table", "wire_spans",
]  # fmt: skip

ALL = ("jaeger", "b3", "b3-single", "w3c")
SCENARIO = Scenario("jaeger", "sampled", 64, "ascii")


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=CROSSDOCK.parent,
        env={**os.environ, "PYTHONPATH": str(CROSSDOCK.parent), **environment},
    )

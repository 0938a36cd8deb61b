"""The interoperability server, asked by itself and asked nonsense."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CROSSDOCK = Path(__file__).parent.parent / "crossdock"


def test_chain_of_three_servers_agrees_on_trace_sampling_and_baggage():
    run = subprocess.run(
        [sys.executable, "-W", "error", str(CROSSDOCK / "self_check.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(CROSSDOCK.parent), "PATH": ""},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count(": ok") == 6

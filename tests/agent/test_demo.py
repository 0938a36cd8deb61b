"""The example that everybody runs first."""

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


def test_the_demo_shows_its_traces_and_ends(tmp_path):
    done = subprocess.run(
        [sys.executable, str(DEMO)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "All 15 spans of 3 traces arrived." in done.stdout
    assert done.stdout.count("\ntrace ") == 3
    assert "backend query    !" in done.stdout

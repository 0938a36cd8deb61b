"""What the page for migrating programs shows, runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "migrating.md"


def test_the_examples_of_migrating_run_one_after_the_other():
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(programs) == 5
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(programs)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "renamed to /buy\n", "")


def test_the_pages_that_are_linked_exist():
    for page in (PAGE, PAGE.with_name("log-correlation.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), target

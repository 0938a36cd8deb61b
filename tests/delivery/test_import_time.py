"""The tracer is initialised while a module is imported, on the main thread or another: no deadlock.

The module also traces and waits until all is sent, so that everything that the sending thread needs
must be had while the importing one still holds the lock of its module.
"""

import pytest

from .helpers import assert_exactly_once, run_program

WAYS = [
    "main",
    "thread",
    "many threads",
    "threads of other imports",
    "import that waits",
    "thread of an import that waits",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_module_that_initialises_the_tracer_can_be_imported(agent, monkeypatch, way):
    monkeypatch.setenv("TEST_AGENT_PORT", str(agent.port))
    result = run_program("import_time.py", way, timeout=60)
    assert result.status == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "deadlock" not in result.stderr
    assert len(result.ids) == 5
    assert_exactly_once(agent, result.ids)

"""A burst while the agent is away: memory is bounded, and every span is accounted for."""

import json
import os
import subprocess
import sys

import pytest

from jaeger_like.testing import RecordingAgent

from .helpers import PROGRAMS, ROOT, assert_exactly_once, refusing_port, run_program

SPANS = "jaeger:reporter_spans."


@pytest.mark.parametrize(
    "count", [200_000, pytest.param(1_000_000, marks=pytest.mark.servers, id="a million")]
)
def test_a_burst_stays_within_the_buffers_bound_and_is_accounted_for(count):
    with subprocess.Popen(
        [sys.executable, "-W", "error", str(PROGRAMS / "burst.py"), str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        with refusing_port() as port:
            program.stdin.write(f"{port}\n")
            program.stdin.flush()
            first = program.stdout.readline()
            assert first, program.stderr.read()
            counts = json.loads(program.stdout.readline())["counts"]
        with RecordingAgent(port=port) as agent:
            out, err = program.communicate("go on\n", timeout=60)
            lines = [json.loads(line) for line in out.splitlines()]
            assert_exactly_once(agent, lines[0]["ids"])
            stats = agent.batches[-1].stats
    lost = {name: counts.get(SPANS + name, 0) for name in ("dropped", "err", "ok")}
    assert lost["dropped"] > 0
    assert lost["ok"] == 0
    assert sum(lost.values()) == count
    assert stats == (lost["dropped"], 0, lost["err"])
    # In KiB: the buffer's 16 MiB, the loop's thread, and what Python's allocator keeps.
    assert json.loads(first)["grown"] < 32 << 10
    assert program.returncode == 0, err
    assert lines[-1]["counts"][SPANS + "ok"] == 10
    assert err.count("Span dropped, too many are waiting to be sent") == 1
    assert err.count("Failed to submit traces") == 1
    assert "Traceback" not in err


def test_a_burst_from_the_first_moment_on_leaves_the_loop_time_to_start(agent):
    """The buffer was full before what the loop needs had been imported beside it."""
    result = run_program("burst_at_start.py", agent.port)
    assert result.status == 0, result.stderr
    (made,), (counts,) = result.values("made"), result.values("counts")
    assert counts["ok"] == made
    assert counts.get("dropped", 0) == 0
    spans = agent.wait_for(made)
    assert len({span.span_id for span in spans}) == len(spans) == made

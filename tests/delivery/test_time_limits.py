"""A signal's handler that raises, as those of time limits do, wherever it strikes."""

from __future__ import annotations

import signal

import pytest

from .helpers import assert_among, ids_of, run_program


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_the_program_sees_each_of_them_and_no_span_comes_twice(agent):
    result = run_program("time_limits.py", agent.port)
    assert (result.status, result.stderr) == (0, "")
    (raised,), (seen,) = result.values("raised"), result.values("seen")
    assert seen == raised > 50
    assert_among(agent, result.ids)
    struck = {span_id for ids in result.values("struck") for span_id in ids}
    came = ids_of(agent.spans)
    assert set(came) <= {*result.ids, *struck}

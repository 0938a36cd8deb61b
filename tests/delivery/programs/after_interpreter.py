"""Finishes a span of odd values after another interpreter of the process has come and gone."""

import os
import sys

from common import new_tracer, say

try:
    import _interpreters as interpreters  # Python 3.13
except ImportError:
    import _xxsubinterpreters as interpreters


def main(port):
    tracer = new_tracer(port)  # with an encoder of its own
    if sys.version_info >= (3, 13):
        interpreter, run = interpreters.create("legacy"), interpreters.exec
    else:
        interpreter, run = interpreters.create(isolated=False), interpreters.run_string
    program = f"import sys; sys.path[:] = {sys.path!r}; import jaeger_like.encoding.encoder"
    failure = run(interpreter, program)
    assert failure is None, failure
    interpreters.destroy(interpreter)
    span = tracer.start_span("\ud800", tags={"list": [1], "wide": 1 << 64, "nan": float("nan")})
    span.finish()
    assert tracer.flush(20)
    say(ids=[span.span_id])
    os._exit(0)


main(*sys.argv[1:])

"""Has a signal's handler raise at some moment of each span's end. Says what came of it."""

import signal
import sys

from common import new_tracer, say

SPANS = 20_000


class TimeLimit(Exception):  # noqa: N818  as task queues have them: no error, nor a BaseException
    pass


raised = 0


def strike(*_):
    global raised
    raised += 1
    raise TimeLimit


if "coverage" in sys.modules:  # which would be struck, too, with a lock in its hand
    sys.modules["coverage"].Coverage.current().stop()
tracer = new_tracer(sys.argv[1])
signal.signal(signal.SIGALRM, strike)
seen, finished, struck = 0, [], []
for number in range(SPANS):
    span = tracer.start_span("work", tags={"number": number})
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.000_001 * (number % 40 + 1))
        try:
            span.finish()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeLimit:
        seen += 1
        struck.append(span.span_id)
    else:
        finished.append(span.span_id)
say(raised=raised)
say(seen=seen)
for begin in range(0, SPANS, 150):
    say(ids=finished[begin : begin + 150])
    say(struck=struck[begin : begin + 150])
tracer.close().result(10)

"""Ends while daemon threads are tracing. Says what was finished before the end began."""

import sys
import threading
import time

from common import new_tracer, say

way, port = sys.argv[1:]
tracer = new_tracer(port)
finished = []
enough = threading.Event()


def work():
    while True:
        span = tracer.start_span("work", ignore_active_span=True, tags={"k": "v"})
        span.finish()
        finished.append(span.span_id)
        if len(finished) >= 500:
            enough.set()
        if len(finished) % 10 == 0:
            time.sleep(0.0005)


for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
if not enough.wait(20):
    raise SystemExit("nothing was traced")
before = list(finished)
for begin in range(0, len(before), 150):
    say(ids=before[begin : begin + 150])
say(end=time.time())
if way == "closed":
    tracer.close().result(5)
if way == "sys.exit":
    sys.exit(3)
if way == "uncaught":
    raise LookupError("on purpose")

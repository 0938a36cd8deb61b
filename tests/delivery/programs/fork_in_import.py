"""Forks while another thread is in the middle of an import of tracing's, which asks for a logger.

logging was imported after jaeger_like, so that of the hooks before a fork its own comes first.
"""

import os
import signal
import sys
import threading

from jaeger_like._held_off import held_off

assert "logging" not in sys.modules
import logging

from common import new_tracer, say

in_the_middle, forks, imported = threading.Event(), threading.Event(), []


def work():
    with held_off:
        in_the_middle.set()
        assert forks.wait(20)
        logging.getLogger("of.a.module")
        imported.append("of.a.module")


tracer = new_tracer(int(sys.argv[1]))
sys.setswitchinterval(1)  # nobody gives way unless it waits
thread = threading.Thread(target=work)
thread.start()
assert in_the_middle.wait(20)
os.register_at_fork(before=forks.set)  # the newest hook is the first
child = os.fork()
sys.setswitchinterval(0.005)
if child == 0:
    signal.alarm(10)  # the end of one that waits for ever
    logging.getLogger("child").debug("nobody hears this")
    say(imported=imported)
    span = tracer.start_span("work")
    span.finish()
    say(ids=[span.span_id])
    sys.exit(0)
_, status = os.waitpid(child, 0)
thread.join(20)
free = []


def try_lock():
    free.append(logging._lock.acquire(blocking=False))
    if free[0]:
        logging._lock.release()


thread = threading.Thread(target=try_lock)
thread.start()
thread.join(20)
say(status=status, free=free)

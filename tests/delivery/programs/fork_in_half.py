"""Forks while another thread of tracing's has half a module, for longer than forks wait.

The argument says what lasts so long: "an import", or "a stop" of the whole process.
"""

import os
import signal
import sys
import threading
import time
from importlib.machinery import PathFinder

from common import new_tracer, say

from jaeger_like._held_off import held_off

PATIENCE = 1.0  # seconds that a fork waits, as it is set here
A_MOMENT = 0.1
MODULE = "threadloop.threadloop"
half, forks, forked = threading.Event(), threading.Event(), threading.Event()


class Finder:
    """Finds a module whose import stays in the middle."""

    def __init__(self, how):
        self.how = how

    def find_spec(self, name, path=None, target=None):
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        execute = spec.loader.exec_module

        def exec_module(module):
            if not half.is_set():
                self.pause()
            execute(module)

        spec.loader.exec_module = exec_module
        return spec

    def pause(self):
        half.set()
        if self.how == "an import":
            assert forked.wait(20)
        else:
            assert forks.wait(20)  # and the fork waits, or it would not have let us go on
            os.kill(os.getpid(), signal.SIGSTOP)
            forked.wait(A_MOMENT)


def traced(tracer):
    span = tracer.start_span("work", ignore_active_span=True)
    span.finish()
    say(ids=[span.span_id])
    return tracer.flush(10)


def main(port, how):
    if how == "a stop":
        started = os.fork()
        if started:
            sys.exit(watch(started))
    held_off._patience = PATIENCE
    tracer = new_tracer(port)
    sys.meta_path.insert(0, Finder(how))
    span = tracer.start_span("work")
    span.finish()
    say(ids=[span.span_id])
    assert half.wait(20)
    os.register_at_fork(before=forks.set)  # the newest hook is the first
    sys.setswitchinterval(10)  # nobody gives way unless it waits
    child = os.fork()
    sys.setswitchinterval(0.005)
    if child == 0:
        signal.alarm(15)  # the end of one that waits for ever
        say(whole=hasattr(sys.modules.get(MODULE), "ThreadLoop"))
        say(flushed=traced(tracer))
        sys.exit(0)
    forked.set()
    _, status = os.waitpid(child, 0)
    say(status=status, flushed=traced(tracer))


def watch(process):
    """Let it stop for longer than forks wait; return its status."""
    _, status = os.waitpid(process, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        time.sleep(PATIENCE + A_MOMENT)
        os.kill(process, signal.SIGCONT)
        _, status = os.waitpid(process, 0)
    return os.WEXITSTATUS(status)


main(*sys.argv[1:])

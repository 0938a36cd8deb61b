"""Finishes spans while garbage is collected all the time and threads come and go."""

import gc
import os
import sys
import threading
import time

from common import new_tracer, trace


def let_others_on(phase, info):
    """As what is collected may do, in the midst of whatever allocates."""
    if threading.current_thread() is threading.main_thread():
        time.sleep(0.0001)


def live_and_die(ended):
    while not ended.is_set():
        thread = threading.Thread(target=ended.is_set)
        thread.start()
        thread.join()


def main(port):
    tracer = new_tracer(port)
    trace(tracer, 1)
    assert tracer.flush(20)
    ended = threading.Event()
    others = [threading.Thread(target=live_and_die, args=(ended,)) for _ in range(4)]
    for other in others:
        other.start()
    gc.callbacks.append(let_others_on)
    for _ in range(100):
        gc.set_threshold(1)
        trace(tracer, 1)
        gc.set_threshold(700)
        assert tracer.flush(20)
    ended.set()
    for other in others:
        other.join()
    os._exit(0)


main(*sys.argv[1:])

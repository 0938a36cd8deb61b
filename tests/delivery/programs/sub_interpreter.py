"""Finishes spans in a sub-interpreter and ends it, as mod_wsgi does at the end of its processes."""

import ctypes
import os
import sys

from common import say

try:
    import _interpreters as interpreters  # Python 3.13
except ImportError:
    import _xxsubinterpreters as interpreters

PROGRAM = """
import sys
sys.path[:] = {path!r}
import atexit, os, threading, time
from common import new_tracer, trace
from jaeger_like import _background

async def nothing():
    pass

def wait_until_the_loop_sleeps():
    _background.runner().submit(nothing).result(20)
    thread, = (t.ident for t in threading.enumerate() if t.name == "jaeger_like")
    while sys._current_frames()[thread].f_code.co_name != "select":
        time.sleep(0)

if {kind!r} == "mod_wsgi":
    import ctypes
    ctypes.pythonapi.PyInterpreterState_Get.restype = ctypes.c_void_p
    os.write({pipe}, str(ctypes.pythonapi.PyInterpreterState_Get()).encode())
tracer = new_tracer({port}, flush_interval=60)
if {way!r} == "atexit later":
    atexit.register(lambda: (trace(tracer, 5), tracer.close()))
trace(tracer, 5)
if {kind!r} == "mod_wsgi":
    assert tracer.flush(20)
    trace(tracer, 5)
    wait_until_the_loop_sleeps()
"""


def new_interpreter(kind):
    isolated = kind == "isolated"
    if sys.version_info >= (3, 13):
        return interpreters.create("isolated" if isolated else "legacy")
    return interpreters.create(isolated=isolated)


def forget_threads(interpreter):
    """Delete what Python knows of all threads but that which ends the interpreter."""
    api, pointer = ctypes.pythonapi, ctypes.c_void_p
    for name in ("PyInterpreterState_ThreadHead", "PyThreadState_Next"):
        getattr(api, name).restype, getattr(api, name).argtypes = pointer, [pointer]
    for name in ("PyThreadState_Clear", "PyThreadState_Delete"):
        getattr(api, name).restype, getattr(api, name).argtypes = None, [pointer]
    states, state = [], api.PyInterpreterState_ThreadHead(interpreter)
    while state:
        states.append(state)
        state = api.PyThreadState_Next(state)
    # The oldest is this one's, where there is one while nothing runs.
    for state in states if sys.version_info >= (3, 13) else states[:-1]:
        api.PyThreadState_Clear(state)
        api.PyThreadState_Delete(state)


def main(kind, way, port):
    end, pipe = os.pipe()
    interpreter = new_interpreter(kind)
    program = PROGRAM.format(path=sys.path, kind=kind, way=way, port=port, pipe=pipe)
    run = interpreters.exec if sys.version_info >= (3, 13) else interpreters.run_string
    failure = run(interpreter, program)
    assert failure is None, failure
    if kind == "mod_wsgi":
        forget_threads(int(os.read(end, 100)))
    interpreters.destroy(interpreter)
    say(values=["destroyed"])
    os._exit(0)  # as a server whose process ends right after


main(*sys.argv[1:])

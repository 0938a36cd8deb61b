"""Initialises the tracer while modules are being imported, as many programs do."""

import importlib.machinery
import sys
import threading
import types

from common import new_tracer, trace

SOURCE = """
tracer = common_new_tracer(port)
ids = common_trace(tracer, 5)
assert tracer.flush(5)
assert tracer.close().result(5)
"""


class Finder:
    """Gives a module for each name that begins with "traced"."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith("traced"):
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        module.__dict__.update(common_new_tracer=new_tracer, common_trace=trace, port=sys.argv[1])
        exec(SOURCE, module.__dict__)


sys.meta_path.insert(0, Finder())
import traced_on_main  # noqa: F401  what it does is the test

threads = [
    threading.Thread(target=__import__, args=(f"traced_on_thread_{number}",)) for number in range(3)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(10)
    assert not thread.is_alive()

"""Imports a module that initialises the tracer, in one of several ways."""

import importlib
import sys
import threading

way = sys.argv[1]


def on_thread(name):
    thread = threading.Thread(target=importlib.import_module, args=(name,))
    thread.start()
    return thread


def join(threads):
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "deadlock"


if way == "main":
    import traced_at_import  # noqa: F401  that it can be imported is the test
if way == "thread":
    join([on_thread("traced_at_import")])
if way == "many threads":
    join([on_thread("traced_at_import") for _ in range(8)])
if way == "threads of other imports":
    # What we need ourselves is imported meanwhile, by others.
    names = ["asyncio", "tornado.ioloop", "thrift.Thrift", "encodings.idna", "http.client", "ssl"]
    threads = [on_thread(name) for name in names]
    threads.append(on_thread("traced_at_import"))
    # Not a module of ours: two threads that import a package and a module which the package
    # imports itself can lock each other out, in Python's own import, whatever is in them.
    threads += [on_thread(name) for name in ("tornado.httpclient", "logging.handlers")]
    join(threads)
if way == "import that waits":
    import waits_for_an_import  # noqa: F401  that it can be imported is the test
if way == "thread of an import that waits":
    join([on_thread("waits_for_an_import")])

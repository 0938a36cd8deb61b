"""The tracer is made when this module is imported, with the default configuration; then processes
are made, in one of several ways. Nothing here flushes, closes, or has a hook."""

import contextlib
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from jaeger_like import Config

settings = {
    "sampler": {"type": "const", "param": 1},
    "local_agent": {
        "reporting_host": "127.0.0.1",
        "reporting_port": int(os.environ["TEST_AGENT_PORT"]),
    },
}
tracer = Config(settings, service_name="forked").initialize_tracer()

# Tells a process from itself after ``exec``; forked children have it of their parent.
image = os.urandom(4).hex()


def say(spans):
    """Tell the test what is finished, in one call of the system, so that lines do not mix."""
    line = {
        "process": f"{os.getpid()}.{image}",
        "ids": [span.span_id for span in spans],
        "parents": [span.parent_id for span in spans],
        "trace_ids": sorted({span.trace_id for span in spans}),
    }
    os.write(1, (json.dumps(line) + "\n").encode())


def work(number=0):
    """Finish two traces of two spans; return the process that did."""
    process = f"{os.getpid()}.{image}"
    tags = {"process": process}
    for _ in range(2):
        with tracer.start_active_span("request", tags=tags) as outer:
            inner = tracer.start_span("step", tags=tags)
            inner.finish()
        say([outer.span, inner])
    return process


def work_and_fork(*args):
    """As a child that has a child of its own."""
    work()
    with contextlib.ExitStack() as stack:
        if multiprocessing.current_process().daemon:  # of a Pool: they may have none of theirs
            return forked(work, sys.exit)
        pool = stack.enter_context(ProcessPoolExecutor(1))
        pool.submit(work).result()
    return work()


def forked(function, leave, status=0):
    """Fork; the child does *function* and leaves."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        function()
        leave(status)
    _, wait_status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(wait_status) == status, wait_status


def by_fork(leave):
    """Child and grandchild; spans wait in each of the processes that fork."""

    def child():
        work()
        forked(work, leave, 5)
        work()

    work()
    forked(child, leave, 7)
    work()


def inside_a_span(leave):
    """The child's spans are children of the one that the parent has made active."""

    def child():
        with tracer.start_active_span("step", tags={"process": f"{os.getpid()}.{image}"}) as inner:
            pass
        assert inner.span.parent_id == outer.span.span_id
        assert inner.span.trace_id == outer.span.trace_id
        say([inner.span])

    with tracer.start_active_span("request", tags={"process": f"{os.getpid()}.{image}"}) as outer:
        forked(child, leave)
        forked(child, leave)
    say([outer.span])


def by_processes(context, target):
    processes = [context.Process(target=target) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def by_pool(context, target):
    pool = context.Pool(3)
    pool.map(target, range(9), chunksize=1)
    pool.close()
    pool.join()


def by_recycling_pool(context, target):
    pool = context.Pool(2, maxtasksperchild=2)
    pool.map(target, range(8), chunksize=1)
    pool.close()
    pool.join()


def by_executor(context, target):
    with ProcessPoolExecutor(3, mp_context=context) as executor:
        list(executor.map(target, range(9)))


def main(way, how):
    at_import = tracer.start_span("request", tags={"process": f"{os.getpid()}.{image}"})
    at_import.finish()
    say([at_import])
    if way == "fork":
        by_fork(sys.exit if how == "sys.exit" else lambda status: os._exit(status))
    elif way == "inside a span":
        inside_a_span(lambda status: os._exit(status))
    else:
        ways = {
            "processes": by_processes,
            "pool": by_pool,
            "recycling pool": by_recycling_pool,
            "executor": by_executor,
        }
        context = multiprocessing.get_context(how)
        ways[way](context, work)
        if way == "processes":
            by_processes(context, work_and_fork)
        work()
    if way == "fork":
        sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])

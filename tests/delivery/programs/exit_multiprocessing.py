"""Children of multiprocessing and of a process pool finish spans and end."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from common import new_tracer, trace

tracer = None


def child(port):
    global tracer
    if tracer is None:
        tracer = new_tracer(port)
    trace(tracer, 5)


if __name__ == "__main__":
    way, method, port = sys.argv[1:]
    context = multiprocessing.get_context(method)
    if method == "fork":  # the children have the parent's, which has a thread and a socket
        tracer = new_tracer(port)
        trace(tracer, 3)
    if way == "process":
        processes = [context.Process(target=child, args=(port,)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
    else:
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            list(pool.map(child, [port] * 6))
    if tracer is not None:
        trace(tracer, 3)

"""Forks while another thread is in an import of tracing's that takes longer than patience lasts."""

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from common import say

from jaeger_like._held_off import held_off

MODULES = 8

held_off._patience = 1.0
in_the_middle, imported = threading.Event(), []


def work():
    with held_off:
        in_the_middle.set()
        for number in range(MODULES):
            __import__(f"slow_{number}")
            imported.append(number)


with tempfile.TemporaryDirectory() as path:
    sys.path.insert(0, path)
    for number in range(MODULES):
        (Path(path) / f"slow_{number}.py").write_text("import time\ntime.sleep(0.25)\n")
    thread = threading.Thread(target=work)
    thread.start()
    assert in_the_middle.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        say(imported=imported)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    thread.join(20)
say(status=status)

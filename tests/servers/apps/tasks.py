"""A traced Celery application. ``python tasks.py COUNT`` asks for as many tasks."""

import os
import socket
import sys
from pathlib import Path

from celery import Celery

_FOLDER = Path(os.environ["TEST_BROKER"])
_GATED = int(os.environ.get("TEST_GATED", 0))

app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(_FOLDER / "queue"),
        "data_folder_out": str(_FOLDER / "queue"),
        "control_folder": str(_FOLDER / "control"),
        "polling_interval": 0.05,
    },
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=False,
)


@app.task(name="work")
def work(number):
    import traced

    if number < _GATED:  # the first tasks, which wait for each other in as many processes
        with socket.socket(socket.AF_UNIX) as gate:
            gate.connect(os.environ["TEST_GATE"])
            gate.recv(1)  # nothing, when the test closes it
    traced.work(number)


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        app.send_task("work", (number,))
else:
    import traced  # noqa: F401  in the worker's parent, before it forks

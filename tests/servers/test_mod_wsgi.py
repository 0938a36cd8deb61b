"""Apache with mod_wsgi, which runs an application in a sub-interpreter unless it is told otherwise.

``pip install mod_wsgi-standalone`` compiles Apache, which takes minutes, so ``make test-servers``
does not do it.
"""

import os
from pathlib import Path

import pytest

from .support import APPS, ROOT, assert_exactly_once, free_port, request_until, script

EXPRESS = script("mod_wsgi-express")


def reachable_for_all(path):
    return all(folder.stat().st_mode & 0o001 for folder in Path(path).resolve().parents)


pytestmark = [
    pytest.mark.skipif(EXPRESS is None, reason="mod_wsgi-standalone is not installed"),
    pytest.mark.skipif(
        os.geteuid() == 0 and not (reachable_for_all(os.__file__) and reachable_for_all(__file__)),
        reason="as root, Apache runs programs as somebody who cannot read Python here",
    ),
]


@pytest.fixture
def serve(start, journal):
    def make(*options):
        port = free_port()
        as_whom = []
        if os.geteuid() == 0:
            as_whom = ["--user", "nobody", "--group", "nogroup"]
            Path(journal.folder).chmod(0o755)
            Path(journal.path).chmod(0o777)
        server = start(
            [
                EXPRESS, "start-server", str(APPS / "wsgi.py"), "--port", str(port),
                "--server-root", f"{journal.folder}/apache", "--log-to-terminal",
                "--processes", "2", "--threads", "4", "--locale", "C.UTF-8",
                "--python-path", str(APPS), "--python-path", str(ROOT), *as_whom, *options,
            ]
        )  # fmt: skip
        server.wait_for_line("resuming normal operations")
        return server, port

    return make


@pytest.mark.parametrize("group", ["%{GLOBAL}", "of_its_own"])
def test_every_span_of_every_process_arrives_once(serve, agent, journal, group):
    server, port = serve("--application-group", group)
    request_until(port, 2, at_least=100)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("group", ["%{GLOBAL}", "of_its_own"])
def test_processes_that_are_replaced_after_some_requests_lose_nothing(serve, agent, journal, group):
    server, port = serve("--application-group", group, "--maximum-requests", "20")
    request_until(port, 5, at_least=100)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)

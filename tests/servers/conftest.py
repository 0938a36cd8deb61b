"""Fixtures of the tests with real servers, all of which have the mark ``servers``."""

from pathlib import Path

import pytest

from jaeger_like.testing import recording_agent  # noqa: F401  a fixture

from .support import Journal, Server


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.servers)


@pytest.fixture
def agent(recording_agent):
    return recording_agent


@pytest.fixture
def journal():
    with Journal() as made:
        yield made


@pytest.fixture
def start(agent, journal):
    """Start servers, with the environment that the applications want."""
    started = []

    def make(command, **env):
        settings = {
            "TEST_JOURNAL": journal.path,
            "TEST_AGENT_PORT": str(agent.port),
            "HOME": journal.folder,  # some servers keep things there
        }
        server = Server(command, {**settings, **env})
        started.append(server)
        return server

    yield make
    for server in started:
        with server:
            pass

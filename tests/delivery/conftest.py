"""Fixtures of the tests of delivery."""

import pytest

from jaeger_like.testing import recording_agent  # noqa: F401  a fixture

from .helpers import Numbers, new_tracer


@pytest.fixture
def agent(recording_agent):
    return recording_agent


@pytest.fixture
def numbers():
    return Numbers()


@pytest.fixture
def make_tracer(agent):
    """Makes tracers that send to the agent, and closes them."""
    made = []

    def make(port=None, **options):
        made.append(new_tracer(agent.port if port is None else port, **options))
        return made[-1]

    yield make
    for tracer in made:
        tracer.close().result(10)

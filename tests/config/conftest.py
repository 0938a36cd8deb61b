"""Fixtures of the tests of the configuration."""

import os

import opentracing
import pytest

from jaeger_like.config import Config


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    """No JAEGER_ variable, no warning said before, no tracer initialized."""
    for name in list(os.environ):
        if name.startswith("JAEGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("jaeger_like._config_properties._warned", set())
    monkeypatch.setattr(Config, "_initialized", False)


@pytest.fixture
def _global_tracer(monkeypatch):
    monkeypatch.setattr(opentracing, "tracer", opentracing.tracer)
    before = opentracing.global_tracer()
    yield
    opentracing.set_global_tracer(before)


@pytest.fixture
def new_tracer():
    """Make tracers that are closed after the test."""
    made = []

    def make(config=None, **arguments):
        arguments.setdefault("service_name", "svc")
        made.append(Config(config, **arguments).new_tracer())
        return made[-1]

    yield make
    for tracer in made:
        tracer.close().result(5)

"""One part that fails is not the others' failure."""

from __future__ import annotations

import os

import pytest

from jaeger_like import ConstSampler, Tracer, _fork
from jaeger_like.reporter import BaseReporter, CompositeReporter, InMemoryReporter


class Broken(BaseReporter):
    def report_span(self, span):
        raise KeyError("report_span")

    def set_process(self, service_name, tags, max_length):
        raise KeyError("set_process")

    def flush(self, timeout=None):
        raise KeyError("flush")

    def close(self):
        raise KeyError("close")


def test_composite_reporter_goes_on_when_one_member_fails(caplog):
    memory = InMemoryReporter()
    composite = CompositeReporter(Broken(), memory)
    tracer = Tracer("svc", composite, ConstSampler(True))
    tracer.start_span("op").finish()
    assert [span.operation_name for span in memory.get_spans()] == ["op"]
    assert tracer.flush(1) is False
    assert tracer.close().result(timeout=5) is True
    assert "Reporter Broken failed: KeyError('set_process')" in caplog.text


def test_a_part_that_cannot_start_afresh_does_not_stop_the_others_after_a_fork():
    told = []

    class Fails:
        def _after_fork(self):
            raise KeyError("no")

    class Works:
        def _after_fork(self):
            told.append(os.getpid())

    parts = [Fails(), Works()]
    for part in parts:
        _fork.register(part)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"told" if told == [os.getpid()] else b"not told")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(reader, 100) == b"told"
    os.close(reader)
    os.close(writer)


if not hasattr(os, "fork"):
    pytest.skip("no fork here", allow_module_level=True)

"""The reporters that send nothing."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future

import pytest

from jaeger_like.reporter import (
    BaseReporter,
    CompositeReporter,
    InMemoryReporter,
    LoggingReporter,
    NullReporter,
)

from .support import new_tracer


@pytest.mark.parametrize(
    "reporter", [NullReporter(), InMemoryReporter(), LoggingReporter(), CompositeReporter()]
)
def test_all_of_them(reporter):
    tracer = new_tracer(reporter=reporter)
    tracer.start_span("op").finish()
    assert tracer.flush(1) is True
    assert tracer.close().result(1) is True


def test_a_base_reporter_reports_nothing():
    with pytest.raises(NotImplementedError):
        BaseReporter().report_span(None)
    assert BaseReporter().set_process("svc", {}, 1) is None


def test_in_memory():
    tracer = new_tracer()
    reporter = tracer.reporter
    spans = [tracer.start_span("op") for _ in range(3)]
    for span in spans:
        span.finish()
    found = reporter.get_spans()
    assert found == reporter.spans == spans
    found.clear()
    with reporter.lock:
        assert reporter.spans == spans
    reporter.clear()
    assert reporter.get_spans() == []


def test_logging(caplog):
    tracer = new_tracer(reporter=LoggingReporter())
    with caplog.at_level(logging.INFO, "jaeger_tracing"):
        span = tracer.start_span("op")
        span.finish()
    assert caplog.record_tuples == [("jaeger_tracing", logging.INFO, f"Reporting span {span}")]


def test_logging_elsewhere(caplog):
    logger = logging.getLogger("elsewhere")
    with caplog.at_level(logging.INFO, "elsewhere"):
        new_tracer(reporter=LoggingReporter(logger=logger)).start_span("op").finish()
    assert caplog.record_tuples[0][0] == "elsewhere"


class Recorder(BaseReporter):
    def __init__(self):
        self.future = Future()
        self.said = []

    def set_process(self, service_name, tags, max_length):
        self.said.append(("process", service_name, max_length))

    def report_span(self, span):
        self.said.append(("span", span.operation_name))

    def flush(self, timeout=None):
        self.said.append(("flush", timeout))
        return len(self.said) < 4

    def close(self):
        return self.future


def test_a_composite_does_everything_with_all():
    first, second = Recorder(), Recorder()
    tracer = new_tracer(reporter=CompositeReporter(first, second))
    tracer.start_span("op").finish()
    assert tracer.flush(5) is True
    assert tracer.flush(6) is False
    assert first.said == second.said
    assert first.said == [("process", "svc", 1024), ("span", "op"), ("flush", 5), ("flush", 6)]


def test_a_composite_is_closed_when_all_are():
    first, second = Recorder(), Recorder()
    closed = CompositeReporter(first, NullReporter(), second).close()
    first.future.set_result(True)
    assert not closed.done()
    second.future.set_exception(RuntimeError())
    assert closed.result(1) is True


def test_reporters_without_future_or_flush_may_be_in_a_composite():
    class Least:
        def close(self):
            return None

    reporter = CompositeReporter(Least(), Least())
    assert reporter.flush(1) is True
    assert reporter.close().result(1) is True


def test_the_failure_of_one_is_not_that_of_the_others(caplog):
    class Broken(NullReporter):
        def report_span(self, span):
            raise ZeroDivisionError

    memory = InMemoryReporter()
    tracer = new_tracer(reporter=CompositeReporter(Broken(), memory))
    tracer.start_span("op").finish()
    assert len(memory.get_spans()) == 1
    assert "Reporter Broken failed" in caplog.text


def test_closing_from_many_threads_at_once():
    recorders = [Recorder() for _ in range(20)]
    closed = CompositeReporter(*recorders).close()
    barrier = threading.Barrier(20)

    def end(recorder):
        barrier.wait()
        recorder.future.set_result(True)

    threads = [threading.Thread(target=end, args=(r,)) for r in recorders]
    for thread in threads:
        thread.start()
    assert closed.result(10) is True
    for thread in threads:
        thread.join()

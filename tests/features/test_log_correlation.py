"""The active span's ids stand in the program's log lines."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import queue
import re
from pathlib import Path

import opentracing
import pytest

from jaeger_like import SpanContext
from jaeger_like.log_correlation import TraceContextFilter, TraceContextProcessor, trace_fields
from jaeger_like.noop import NoopTracer

from ..core.support import new_tracer

FORMAT = "%(levelname)s %(message)s trace=%(trace_id)s span=%(span_id)s sampled=%(sampled)s"
PAGE = Path(__file__).parents[2] / "docs" / "log-correlation.md"


@pytest.fixture
def output():
    """Return a logger whose lines, formatted with the ids, come out of ``output.lines()``."""
    logger = logging.Logger("app")  # noqa: LOG001  one that no other test knows
    stream = io.StringIO()
    logger.handler = logging.StreamHandler(stream)
    logger.handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(logger.handler)
    logger.lines = lambda: stream.getvalue().splitlines()
    return logger


@pytest.fixture
def global_tracer():
    before = opentracing.global_tracer()
    tracer = new_tracer()
    opentracing.set_global_tracer(tracer)
    yield tracer
    opentracing.set_global_tracer(before)


REMOTE = SpanContext(0xABC, 0xDEF, None, 1)


@pytest.mark.parametrize(("flags", "sampled"), [(1, "true"), (3, "true"), (0, "false")])
def test_records_have_the_ids_of_the_active_span(output, flags, sampled):
    tracer = new_tracer()
    output.handler.addFilter(TraceContextFilter(tracer))
    parent = SpanContext(0xABC, 0xDEF, None, flags)
    with tracer.start_active_span("op", child_of=parent) as scope:
        output.warning("in %s", "span")
        span_id = scope.span.span_id
    output.warning("outside")
    assert output.lines() == [
        f"WARNING in span trace=0000000000000abc span={span_id:016x} sampled={sampled}",
        "WARNING outside trace= span= sampled=",
    ]


def test_wide_trace_ids_have_32_digits():
    tracer = new_tracer()
    with tracer.start_active_span("op", child_of=SpanContext(1 << 64 | 2, 3, None, 1)):
        trace_id, span_id, _ = trace_fields(tracer)
    assert trace_id == "0" * 15 + "1" + "0" * 15 + "2"
    assert re.fullmatch("[0-9a-f]{16}", span_id)


def test_the_global_tracer_is_asked_by_default(output, global_tracer):
    output.handler.addFilter(TraceContextFilter())
    with global_tracer.start_active_span("op", child_of=REMOTE):
        output.warning("x")
    assert "trace=0000000000000abc" in output.lines()[0]


def test_the_names_are_the_programs_choice(output):
    tracer = new_tracer()
    output.handler.addFilter(TraceContextFilter(tracer, trace_id="traceId", span_id="s"))
    output.handler.setFormatter(logging.Formatter("%(traceId)s %(s)s %(sampled)s"))
    with tracer.start_active_span("op", child_of=REMOTE) as scope:
        output.warning("x")
    assert output.lines() == [f"0000000000000abc {scope.span.span_id:016x} true"]


def test_a_record_keeps_what_it_has(output):
    """The filter stands on the handler that queues; the one behind works on another thread."""
    tracer = new_tracer()
    records = queue.SimpleQueue()
    queueing = logging.handlers.QueueHandler(records)
    queueing.addFilter(TraceContextFilter(tracer))
    logger = logging.Logger("app")  # noqa: LOG001  one that no other test knows
    logger.addHandler(queueing)
    output.handler.addFilter(TraceContextFilter(tracer))
    with tracer.start_active_span("op", child_of=REMOTE):
        logger.warning("queued")
    output.handler.handle(records.get(timeout=10))
    assert "trace=0000000000000abc" in output.lines()[0]


class Broken:
    @property
    def active_span(self):
        raise RuntimeError("broken")


def test_a_record_with_some_of_the_attributes_gets_the_others(output):
    output.addFilter(TraceContextFilter(new_tracer()))
    output.warning("half", extra={"trace_id": "abc"})
    assert output.lines() == ["WARNING half trace=abc span= sampled="]


@pytest.mark.parametrize("tracer", [NoopTracer("svc"), opentracing.Tracer(), Broken(), object()])
def test_other_tracers_have_no_ids(tracer, output):
    output.handler.addFilter(TraceContextFilter(tracer))
    output.warning("x")
    assert trace_fields(tracer) is None
    assert output.lines() == ["WARNING x trace= span= sampled="]


def test_an_event_gets_the_keys_while_a_span_is_active():
    tracer = new_tracer()
    processor = TraceContextProcessor(tracer)
    assert processor(None, "info", {"event": "x"}) == {"event": "x"}
    with tracer.start_active_span("op", child_of=REMOTE) as scope:
        found = processor(None, "info", {"event": "x", "sampled": "mine"})
    assert found == {
        "event": "x",
        "trace_id": "0000000000000abc",
        "span_id": f"{scope.span.span_id:016x}",
        "sampled": "mine",
    }


def test_structlog_writes_them():
    structlog = pytest.importorskip("structlog")
    tracer = new_tracer()
    stream = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[TraceContextProcessor(tracer), structlog.processors.JSONRenderer()],
    )
    with tracer.start_active_span("op", child_of=REMOTE) as scope:
        log.info("hello", who="world")
    log.info("outside")
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside == {
        "event": "hello",
        "who": "world",
        "trace_id": "0000000000000abc",
        "span_id": f"{scope.span.span_id:016x}",
        "sampled": "true",
    }
    assert outside == {"event": "outside"}


def blocks():
    """Return the examples of the page, each a program and what it prints."""
    return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_the_documentation_print_what_it_says(number, capsys, monkeypatch):
    program, expected = blocks()[number]
    if "structlog" in program:
        pytest.importorskip("structlog")
    before = opentracing.global_tracer()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        exec(compile(program, str(PAGE), "exec"), {"__name__": "example"})
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        opentracing.set_global_tracer(before)
    printed = "".join(capsys.readouterr())
    ids = re.compile("[0-9a-f]{16}")
    assert ids.sub("<id>", printed) == ids.sub("<id>", expected)


def test_the_page_has_as_many_examples_as_are_tried():
    assert len(blocks()) == 3

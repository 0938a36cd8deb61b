"""What users' tests are given."""

import socket
import subprocess
import sys

import opentracing
import pytest

from jaeger_like import Config, testing
from jaeger_like.testing import (
    RecordingAgent,
    decode,
    memory_tracer,  # noqa: F401  a fixture
    new_memory_tracer,
    new_recording_tracer,
    recording_tracer,  # noqa: F401  a fixture
    reset_global_tracer,
)

from .helpers import ROOT, TIMEOUT


def test_a_recorded_span_shows_all_that_was_sent(recording_agent, recording_tracer):
    tracer = recording_tracer
    other = tracer.start_span("other")
    other.finish()
    with tracer.start_active_span("parent") as parent:
        span = tracer.start_span(
            "child",
            references=opentracing.follows_from(other.context),
            child_of=parent.span,
            tags={"s": "text", "i": 1, "f": 1.5, "b": True},
            start_time=1_700_000_000.000001,
        )
        span.log_kv({"event": "e", "n": 1}, timestamp=1_700_000_000.5)
        span.finish(finish_time=1_700_000_000.000004)
    assert tracer.flush(TIMEOUT)
    _, came, _ = recording_agent.wait_for(3)
    assert (came.service_name, came.operation_name) == ("test", "child")
    assert (came.trace_id, came.span_id) == (parent.span.trace_id, span.span_id)
    assert (came.parent_id, came.flags) == (parent.span.span_id, 1)
    assert (came.start_time, came.duration) == (1_700_000_000_000_001, 3)
    assert came.tags == {"s": "text", "i": 1, "f": 1.5, "b": True}
    assert came.logs == [(1_700_000_000_500_000, {"event": "e", "n": 1})]
    assert came.references == [("follows_from", other.trace_id, other.span_id)]
    (batch,) = recording_agent.batches
    assert batch.seq_no == 1
    assert batch.stats == (0, 0, 0)
    assert batch.service_name == "test"
    assert "hostname" in batch.process_tags
    assert batch.size > 200


def test_wide_trace_ids_are_whole(recording_agent):
    tracer = new_recording_tracer(recording_agent, "wide", flush_interval=None)
    tracer.max_trace_id_bits = 128
    span = tracer.start_span("x")
    span.finish()
    tracer.close().result(TIMEOUT)
    assert recording_agent.wait_for(1)[0].trace_id == span.trace_id


def test_waiting_in_vain_says_what_came(recording_agent):
    with pytest.raises(AssertionError, match=r"0 spans came in 0\.01 s, not 1"):
        recording_agent.wait_for(1, timeout=0.01)
    assert recording_agent.wait_for(0) == []


def test_clear_forgets(recording_agent, recording_tracer):
    recording_tracer.start_span("x").finish()
    assert recording_tracer.flush(TIMEOUT)
    recording_agent.wait_for(1)
    recording_agent.clear()
    assert recording_agent.spans == []
    assert recording_agent.batches == []


@pytest.mark.parametrize("datagram", [b"", b"rubbish", b"\x82\x81\x01\x03abc\x00"])
def test_what_is_no_batch_is_said(datagram):
    with pytest.raises(ValueError, match="no batch of spans"):
        decode(datagram)


def test_another_call_than_emit_batch_is_no_batch():
    from jaeger_like.encoding.packet import emit_batch

    packet = emit_batch(b"\x18\x03svc\x19\x0c\x00", [], 1, (0, 0, 0))
    with pytest.raises(ValueError, match="no batch of spans: otherName"):
        decode(packet.replace(b"emitBatch", b"otherName"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_agent_frees_its_port(host):
    agent = RecordingAgent(host)
    agent.close()
    agent.close()
    with RecordingAgent(host, agent.port) as again:
        assert again.port == agent.port
        with pytest.raises(OSError, match=r".+"):
            RecordingAgent(host, agent.port)


def test_an_empty_datagram_is_nothing(recording_agent):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"", (recording_agent.host, recording_agent.port))
    with pytest.raises(AssertionError):
        recording_agent.wait_for(1, 0.05)
    assert recording_agent.batches == []


def test_the_memory_tracer_is_the_global_one(memory_tracer):
    opentracing.global_tracer().start_span("x").finish()
    (span,) = memory_tracer.reporter.get_spans()
    assert span.operation_name == "x"


def test_the_memory_tracer_gives_back_the_global_one_of_before(monkeypatch):
    monkeypatch.setattr(opentracing, "tracer", opentracing.global_tracer())
    monkeypatch.setattr(opentracing, "is_tracer_registered", False)
    mine = new_memory_tracer("mine")
    opentracing.set_global_tracer(mine)
    fixture = testing._memory_tracer()
    given = next(fixture)
    assert opentracing.global_tracer() is given is not mine
    assert next(fixture, None) is None
    assert opentracing.global_tracer() is mine
    assert opentracing.is_global_tracer_registered()


def test_resetting_makes_a_global_tracer_possible_again():
    config = {"sampler": {"type": "const", "param": 1}, "local_agent": {"enabled": False}}
    first = Config(config, service_name="one").initialize_tracer()
    try:
        assert first is not None
        assert Config(config, service_name="two").initialize_tracer() is None
        reset_global_tracer()
        assert not opentracing.is_global_tracer_registered()
        assert opentracing.global_tracer() is not first
        assert Config(config, service_name="two").initialize_tracer() is not None
    finally:
        reset_global_tracer()
    reset_global_tracer()


def test_a_memory_tracer_needs_no_fixture():
    tracer = new_memory_tracer("svc")
    tracer.start_span("x").finish()
    assert len(tracer.reporter.get_spans()) == 1


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = testing.no_such_name
    assert {"memory_tracer", "recording_agent", "recording_tracer"} < set(dir(testing))


def test_pytest_is_imported_for_fixtures_only():
    code = (
        "import sys, jaeger_like.testing as t\n"
        "assert 'pytest' not in sys.modules\n"
        "from jaeger_like.testing import recording_agent\n"
        "assert 'pytest' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0

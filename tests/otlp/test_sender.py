"""OTLP over HTTP: real requests to real servers on loopback."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from jaeger_like import Config, _assembly
from jaeger_like._settings import resolve
from jaeger_like.errors import ConfigError
from jaeger_like.transport.collector import HTTPSender
from jaeger_like.transport.otlp import OTLPSender
from jaeger_like.transport.udp import PacketTooLargeError
from tests.test_http_sender import basic, close_clients, serving  # noqa: F401  a fixture

from .support import packet, record, values

ROOT = Path(__file__).parents[2]
PACKET = packet(record(name="a", span_id=1), record(name="b", span_id=2))


def send(*answers, url="{}/v1/traces", **options):
    """Send a packet of two spans; return the requests that arrived and what was raised."""

    async def no_pause(_):
        pass

    @serving
    async def sending(server):
        sender = OTLPSender(url.format(server.url), sleep=no_pause, **options)
        try:
            await sender.send(PACKET)
        except OSError as exc:
            return server.requests, exc
        return server.requests, None

    return sending(*answers)


def read(request):
    return trace_service_pb2.ExportTraceServiceRequest.FromString(request.body)


def spans_of(request):
    return [span for r in read(request).resource_spans for s in r.scope_spans for span in s.spans]


def test_a_packet_is_posted_as_protobuf():
    (posted,), error = send(200)
    assert error is None
    assert (posted.method, posted.uri) == ("POST", "/v1/traces")
    assert posted.headers["Content-Type"] == "application/x-protobuf"
    assert [span.name for span in spans_of(posted)] == ["a", "b"]


def test_credentials_and_headers_as_for_other_collectors():
    (posted,), _ = send(200, user="u", password="p", headers={"X-Tenant": "t"})
    assert posted.headers["Authorization"] == basic("u", "p")
    assert posted.headers["X-Tenant"] == "t"


def test_a_passing_failure_is_tried_again():
    requests, error = send(503, 200)
    assert error is None
    assert requests[0].body == requests[1].body


def test_a_wrong_path_is_explained():
    _, error = send(404)
    assert error.final
    assert "/v1/traces" in str(error)


def test_413_asks_for_smaller_packets():
    assert isinstance(send(413)[1], PacketTooLargeError)


def answer(rejected, message):
    reply = trace_service_pb2.ExportTraceServiceResponse()
    reply.partial_success.rejected_spans = rejected
    reply.partial_success.error_message = message
    return (200, {"Content-Type": "application/x-protobuf"}, reply.SerializeToString())


@pytest.mark.parametrize(
    ("reply", "logged"),
    [
        (answer(3, "too old"), ["The OTLP receiver rejected 3 spans: too old"]),
        (answer(1, ""), ["The OTLP receiver rejected 1 spans: no reason given"]),
        (answer(0, "deprecated"), ["The OTLP receiver rejected 0 spans: deprecated"]),
        (answer(0, ""), []),
        ((200, {}, b""), []),
        ((200, {}, b"<html>"), []),
        ((202, {}, b"{}"), []),
    ],
)
def test_what_a_receiver_refuses_is_logged_and_the_packet_counts_as_sent(reply, logged, caplog):
    requests, error = send(reply)
    assert error is None
    assert len(requests) == 1
    assert [r.getMessage() for r in caplog.records if r.name == "jaeger_tracing"] == logged


def test_the_repr_has_no_secrets():
    assert repr(OTLPSender("http://u:p@h/v1/traces?k=s")) == "OTLPSender('http://h/v1/traces')"


# -- which sender an endpoint means --------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "protocol", "kind", "url"),
    [
        ("http://h:14268/api/traces", None, HTTPSender, None),
        ("http://h:4318/v1/traces", None, OTLPSender, None),
        ("http://h:4318/v1/traces/", None, OTLPSender, None),
        ("https://h/prefix/v1/traces?tenant=a", None, OTLPSender, None),
        ("http://h/v1/traces", "thrift", HTTPSender, None),
        ("http://h/other", "otlp", OTLPSender, None),
        ("http://h:4318", "OTLP", OTLPSender, "http://h:4318/v1/traces"),
        ("http://h:4318/", "otlp", OTLPSender, "http://h:4318/v1/traces"),
        ("http://h:4318/?a=b", "otlp", OTLPSender, "http://h:4318/v1/traces?a=b"),
        ("http://h:4318", None, HTTPSender, None),
    ],
)
@pytest.mark.parametrize("by_environment", [False, True])
def test_an_endpoint_means(endpoint, protocol, kind, url, by_environment):
    config = {} if protocol is None else {"protocol": protocol}
    environ = {"JAEGER_ENDPOINT": endpoint} if by_environment else {}
    if not by_environment:
        config["endpoint"] = endpoint
    sender = _assembly._http_sender(resolve(config, environ, pytest.fail))
    assert type(sender) is kind
    if kind is OTLPSender:
        assert sender._url == (url or endpoint)


@pytest.mark.parametrize("protocol", ["grpc", 5, ["otlp"], " "])
def test_an_unknown_protocol(protocol):
    with pytest.raises(ConfigError, match="protocol: expected `thrift` or `otlp`"):
        resolve({"protocol": protocol, "endpoint": "http://h"}, {}, pytest.fail)


def test_otlp_needs_an_endpoint():
    with pytest.raises(ConfigError, match="endpoint: expected a URL to be set because protocol"):
        resolve({"protocol": "otlp"}, {}, pytest.fail)


NEEDED = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"


@pytest.mark.parametrize(
    "endpoint", ["http://u:s3cr3t@h/v1/traces", "http://h/v1/traces?key=s3cr3t"]
)
def test_without_the_package_the_configuration_is_refused(endpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, NEEDED, None)
    with pytest.raises(ConfigError) as caught:
        Config({"endpoint": endpoint}, service_name="s").new_tracer()
    assert "pip install 'jaeger-like[otlp]'" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_package_that_does_not_suit_protobuf_is_as_good_as_none(monkeypatch):
    class Refusing:
        def find_spec(self, name, *_):
            if name == NEEDED:
                raise TypeError("Descriptors cannot be created directly")

    monkeypatch.delitem(sys.modules, NEEDED, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    with pytest.raises(ImportError, match="Descriptors cannot"):
        OTLPSender("http://h/v1/traces")


def test_the_package_is_imported_by_nobody_who_does_not_ask_for_it():
    import subprocess

    program = (
        "import sys; from jaeger_like import Config;"
        "t = Config({'endpoint': 'http://127.0.0.1:1/api/traces'}, service_name='s').new_tracer();"
        "assert not [m for m in sys.modules if m.startswith(('opentelemetry', 'google'))]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# -- the whole way -------------------------------------------------------------------------------


def test_a_tracer_with_an_endpoint_for_otlp_sends_its_spans_there():
    @serving
    async def tracing(server):
        tracer = Config(
            {
                "endpoint": f"{server.url}/v1/traces",
                "sampler": {"type": "const", "param": 1},
                "tags": {"zone": "z"},
            },
            service_name="shop",
        ).new_tracer()
        with tracer.start_active_span("buy", tags={"span.kind": "server"}) as scope:
            trace_id = scope.span.trace_id
            with tracer.start_active_span("pay"):
                pass
        # The server lives on this thread's loop, so it must not be waited on here.
        await asyncio.wrap_future(tracer.close())
        return server.requests, trace_id, tracer.tags

    (posted,), trace_id, tracer_tags = tracing(200)
    pay, buy = spans_of(posted)
    assert (pay.name, buy.name) == ("pay", "buy")
    assert pay.parent_span_id == buy.span_id
    assert pay.trace_id == buy.trace_id == trace_id.to_bytes(16, "big")
    assert buy.kind == 2
    resource = values(read(posted).resource_spans[0].resource.attributes)
    assert resource["service.name"] == "shop"
    assert resource["zone"] == "z"
    assert resource["service.instance.id"] == tracer_tags["client-uuid"]
    assert "host.name" in resource


PROGRAM = """
import os, sys
from jaeger_like import Config
config = {"endpoint": sys.argv[1], "sampler": {"type": "const", "param": 1}}
tracer = Config(config, service_name="short").new_tracer()
tracer.start_span("parent").finish()
child = os.fork()
tracer.start_span("after" if child else "child").finish()
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_program_that_forks_and_ends_has_sent_all_its_spans_once():
    @serving
    async def running(server):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, f"{server.url}/v1/traces", cwd=ROOT
        )
        assert await process.wait() == 0
        return server.requests

    requests = running(200)
    names = [span.name for request in requests for span in spans_of(request)]
    assert sorted(names) == ["after", "child", "parent"]
    instances = {
        values(read(request).resource_spans[0].resource.attributes)["service.instance.id"]
        for request in requests
    }
    assert len(instances) == 2

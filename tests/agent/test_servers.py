"""Every endpoint of a running agent, over real sockets."""

import gc
import socket
import threading

import pytest

from jaeger_like.all_in_one import udp
from jaeger_like.all_in_one.app import AllInOne, PortError
from jaeger_like.all_in_one.strategies import Strategies
from jaeger_like.errors import ConfigError

from . import vectors
from .vectors import thrift_batch, thrift_span

THRIFT = {"Content_Type": "application/x-thrift"}


def fill(agent):
    """Two services, two traces, three spans."""
    agent.send(
        vectors.encode(
            thrift_batch(
                thrift_span(1, 1, operation="GET /", startTime=1_000_000, duration=5000),
                thrift_span(2, 9, operation="idle", startTime=9_000_000, duration=10),
                service="front",
            )
        )
    )
    kind = [vectors.string_tag("span.kind", "server")]
    agent.send(
        vectors.encode(
            thrift_batch(
                thrift_span(1, 2, 1, "query", startTime=1_001_000, duration=2000, tags=kind),
                service="back",
            )
        )
    )
    agent.spans(3)


@pytest.mark.parametrize(
    ("which", "data"), [("compact", vectors.COMPACT), ("binary", vectors.BINARY)]
)
def test_datagrams(agent, which, data):
    agent.send(data, which)
    assert agent.spans(1) == [vectors.SPAN]
    stats = agent.ask("query", "/api/stats").json
    assert stats[f"datagrams{which.title()}"] == stats["batches"] == stats["spans"] == 1


def test_garbage_is_counted_and_what_follows_is_taken(agent):
    for data in (b"", b"x", b"\xff" * 60_000, vectors.COMPACT[:-40]):
        agent.send(data)
    agent.send(vectors.COMPACT)
    agent.spans(1)
    stats = agent.ask("query", "/api/stats").json
    assert (stats["garbage"], stats["spans"], stats["queueFull"]) == (4, 1, 0)
    assert stats["store"] == {"traces": 1, "spans": 1, "evictedSpans": 0}


def test_a_burst_of_full_packets(agent):
    spans = [thrift_span(1, n, operation="x" * 180) for n in range(1, 246)]
    packet = vectors.encode(thrift_batch(*spans))
    assert 40_000 < len(packet) < 65_000
    for number in range(1, 21):
        agent.send(packet)
        agent.spans(245 * number)


def test_decoding_takes_turns_with_reading(start, monkeypatch):
    monkeypatch.setattr(udp, "_SLICE", 0)
    monkeypatch.setattr(udp, "_DRAIN", 2)
    agent = start()
    for _ in range(50):
        agent.send(vectors.COMPACT)
        agent.send(vectors.BINARY, "binary")
    assert agent.spans(100) == [vectors.SPAN] * 100


def test_what_does_not_fit_the_queue_is_dropped_and_counted(start, monkeypatch):
    monkeypatch.setattr(udp, "_QUEUE", 200)
    agent = start()
    agent.send(vectors.BINARY, "binary")  # 475 bytes
    agent.send(vectors.COMPACT)
    agent.spans(1)
    stats = agent.agent.counters.snapshot()
    assert (stats["queueFull"], stats["spans"]) == (1, 1)


def test_what_was_received_before_the_end_is_kept(start):
    agent = start()

    def send_and_close():
        agent.send(vectors.COMPACT)
        agent.send(vectors.COMPACT)
        agent.agent._receiver.close()
        closed.set()

    closed = threading.Event()
    agent.call(send_and_close)
    assert closed.wait(10)
    assert len(agent.agent.store.spans()) == 2


def test_a_kernel_that_grants_no_larger_buffer(start, monkeypatch):
    class Small(socket.socket):
        def setsockopt(self, level, name, value):
            if name == socket.SO_RCVBUF:
                raise OSError("no buffer space available")
            super().setsockopt(level, name, value)

    monkeypatch.setattr(socket, "socket", Small)
    agent = start()
    agent.send(vectors.COMPACT)
    agent.spans(1)


def test_clients_that_number_their_batches(agent):
    for number in (1, 4):
        batch = thrift_batch(thrift_span(span_id=number), tags=[("client-uuid", "u")], seqNo=number)
        agent.send(vectors.encode(batch))
    agent.spans(2)
    clients = agent.ask("query", "/api/stats").json["clients"]
    assert clients["u"]["missingBatches"] == 2


@pytest.mark.parametrize("path", ["/sampling", "/"])
def test_sampling(start, path):
    document = {"default_strategy": {"type": "ratelimiting", "param": 3}}
    agent = start(strategies=Strategies(document))
    answer = agent.ask("sampling", path + "?service=my+svc")
    assert answer.code == 200
    assert answer.json == {
        "strategyType": "RATE_LIMITING",
        "rateLimitingSampling": {"maxTracesPerSecond": 3},
    }
    assert agent.ask("collector", "/api/sampling?service=x").json == answer.json


@pytest.mark.parametrize("query", ["", "?service=a&service=b"])
def test_sampling_wants_one_service(agent, query):
    answer = agent.ask("sampling", "/sampling" + query)
    assert (answer.code, answer.text) == (400, "'service' parameter must be provided once\n")


def test_credits(agent):
    answer = agent.ask("sampling", "/credits?service=s&uuid=1&operations=a&operations=b")
    assert answer.json == {
        "balances": [{"operation": "a", "balance": 1.0}, {"operation": "b", "balance": 1.0}]
    }
    assert agent.ask("sampling", "/credits?service=s").code == 400
    assert agent.ask("sampling", "/credits?uuid=s").code == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-thrift",
        "application/vnd.apache.thrift.binary; charset=x",
        "Application/X-Thrift",
    ],
)
def test_batches_by_http(agent, content_type):
    answer = agent.ask(
        "collector", "/api/traces?format=jaeger.thrift", vectors.BODY, Content_Type=content_type
    )
    assert (answer.code, answer.body) == (202, b"")
    assert agent.agent.store.spans() == [vectors.SPAN]
    assert agent.ask("query", "/api/stats").json["httpBatches"] == 1


@pytest.mark.parametrize(
    ("body", "headers", "code", "words"),
    [
        (vectors.BODY, {"Content_Type": "text/plain"}, 400, "Unsupported content type: text/plain"),
        (vectors.BODY[:-9], THRIFT, 400, "Unable to process request body"),
        (b"", THRIFT, 400, "Unable to process request body"),
        (None, {}, 405, "Method Not Allowed"),
    ],
)
def test_batches_that_are_refused(agent, body, headers, code, words):
    answer = agent.ask("collector", "/api/traces", body, **headers)
    assert answer.code == code
    assert words in answer.text
    assert agent.agent.store.spans() == []


def test_a_body_without_end_is_refused(agent):
    with socket.create_connection((agent.agent.host, agent.agent.collector_port), 10) as sock:
        sock.sendall(
            b"POST /api/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\n"
            b"Content-Length: 99999999999\r\n\r\n"
        )
        assert sock.recv(100).startswith(b"HTTP/1.1 400")


def data(answer):
    assert answer.code == 200
    value = answer.json
    assert value["errors"] is None
    assert value["total"] == len(value["data"])
    return value["data"]


def test_services_and_operations(agent):
    fill(agent)
    assert data(agent.ask("query", "/api/services")) == ["back", "front"]
    assert data(agent.ask("query", "/api/services/front/operations")) == ["GET /", "idle"]
    both = [{"name": "query", "spanKind": "server"}]
    assert data(agent.ask("query", "/api/operations?service=back")) == both
    assert data(agent.ask("query", "/api/operations?service=back&spanKind=client")) == []
    assert agent.ask("query", "/api/operations").code == 400


def test_a_service_may_have_blanks_around_its_name(agent):
    agent.send(vectors.encode(thrift_batch(thrift_span(1, 1, operation="x"), service=" front ")))
    agent.spans(1)
    assert data(agent.ask("query", "/api/operations?service=+front+"))


def test_traces_by_query(agent):
    fill(agent)

    def ids(query):
        return [t["traceID"] for t in data(agent.ask("query", f"/api/traces?{query}"))]

    first, second = "0000000000000001", "0000000000000002"
    assert ids("service=front") == [first, second]
    assert ids("service=front&limit=1") == [first]
    assert ids("service=front&minDuration=1ms&operation=GET+/") == [first]
    assert ids("service=back&tags=%7B%22span.kind%22:%22server%22%7D") == [first]
    assert ids("service=front&start=8000000&end=9000000") == [second]
    assert ids("service=front&lookback=1h") == []
    assert ids("traceID=2&traceID=1") == [second, first]


def test_a_trace_by_id(agent):
    fill(agent)
    for given in ("0000000000000001", "1", "00000000000000000000000000000001"):
        [trace] = data(agent.ask("query", f"/api/traces/{given}"))
        assert [span["operationName"] for span in trace["spans"]] == ["GET /", "query"]
        assert {p["serviceName"] for p in trace["processes"].values()} == {"front", "back"}


@pytest.mark.parametrize("given", ["ff", "xyz", "1" * 33, "%F0%9F%98%80"])
def test_a_trace_that_is_not_there(agent, given):
    answer = agent.ask("query", f"/api/traces/{given}")
    assert answer.code == 404
    assert answer.json["data"] is None
    assert answer.json["errors"][0]["msg"] == "trace not found"
    assert agent.ask("query", f"/trace/{given}").code == 404
    by_query = agent.ask("query", f"/api/traces?traceID={given}").json
    assert (by_query["data"], by_query["errors"][0]["code"]) == ([], 404)


def test_a_query_that_cannot_be(agent):
    answer = agent.ask("query", "/api/traces")
    assert answer.code == 400
    assert answer.json["errors"] == [{"code": 400, "msg": "parameter 'service' is required"}]


@pytest.mark.parametrize(
    ("which", "path"), [("query", "/api/x"), ("query", "/x"), ("sampling", "/x")]
)
def test_a_path_that_is_not_there(agent, which, path):
    answer = agent.ask(which, path)
    assert answer.code == 404
    assert "Not Found" in (answer.json["errors"][0]["msg"] if "/api" in path else answer.text)


def test_pages(agent):
    assert "No traces yet" in agent.ask("query", "/").text
    fill(agent)
    agent.send(vectors.encode(thrift_batch(thrift_span(3, 1, operation="<b>"))))
    agent.spans(4)
    page = agent.ask("query", "/")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "front: GET /" in page.text
    assert "&lt;b&gt;" in page.text
    chosen = agent.ask("query", "/?service=back").text
    assert "/trace/0000000000000001" in chosen
    assert "/trace/0000000000000003" not in chosen
    assert "query" in agent.ask("query", "/trace/1").text


def test_traces_are_shown_once_they_are_quiet(start):
    import queue

    shown = queue.Queue()
    agent = start(show=shown.put, quiet_after=0.05)
    agent.send(vectors.COMPACT)
    assert shown.get(timeout=10).startswith("trace 11121314151617180102030405060708  1 span")
    agent.send(vectors.COMPACT)
    assert shown.get(timeout=10).endswith("(shown before, has grown)")


def test_what_was_not_shown_is_shown_at_the_end(start):
    shown = []
    agent = start(show=shown.append, quiet_after=1000)
    agent.send(vectors.COMPACT)
    agent.spans(1)
    agent.stop()
    assert len(shown) == 1


def test_showing_that_fails_stops_nothing(start, capsys):
    def show(text):
        raise OSError("no terminal")

    agent = start(show=show, quiet_after=1000)
    agent.send(vectors.COMPACT)
    agent.spans(1)
    agent.stop()
    assert "no terminal" in capsys.readouterr().err


def test_ipv6(start):
    try:
        agent = start(host="::1")
    except PortError:
        pytest.skip("no IPv6 here")
    agent.send(vectors.COMPACT)
    agent.spans(1)
    assert agent.ask("query", "/api/services").json["data"] == ["svc"]


@pytest.mark.parametrize("name", ["compact_port", "binary_port"])
def test_a_udp_port_that_is_taken(start, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port}: Address already in use") as caught:
            start(**{name: port})
        assert caught.value.name == name


@pytest.mark.parametrize("name", ["sampling_port", "collector_port", "query_port"])
def test_an_http_port_that_is_taken_leaves_nothing_open(start, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port}: ") as caught:
            start(**{name: port})
        assert (caught.value.name, caught.value.port) == (name, port)
    gc.collect()  # a socket left open would be a ResourceWarning here


def test_a_host_that_is_not_there(start):
    with pytest.raises(PortError) as caught:
        start(host="no-such-host.invalid")
    assert caught.value.name == "host"


def test_a_port_that_cannot_be(start):
    with pytest.raises(PortError):
        start(compact_port=70_000)


def test_after_the_end_all_ports_are_free(start):
    agent = start()
    with socket.create_connection((agent.agent.host, agent.agent.query_port), 10) as kept:
        agent.stop()
        assert kept.recv(1) == b""  # connections that are kept alive end too
    again = start(**agent.agent.ports)
    assert again.agent.ports == agent.agent.ports


def test_ports_are_named():
    assert list(AllInOne(query_port=5).ports.values()) == [0, 0, 0, 0, 5]


def test_strategies_are_checked_before_anything_is_opened():
    with pytest.raises(ConfigError):
        AllInOne(strategies=Strategies([]))

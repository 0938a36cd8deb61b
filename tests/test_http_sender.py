"""HTTP to collectors and samplers: real requests to real servers on loopback."""

import asyncio
import base64
import logging
import ssl
import subprocess
import time

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from jaeger_like import Config, ConstSampler, Tracer
from jaeger_like.encoding.packet import emit_batch
from jaeger_like.reporter import Reporter
from jaeger_like.thrift_gen.jaeger import ttypes
from jaeger_like.transport import collector
from jaeger_like.transport.collector import HTTPSender, to_binary
from jaeger_like.transport.http import Client, HTTPFailure, _retry_after, request
from jaeger_like.transport.sampling import SamplingEndpoint
from jaeger_like.transport.udp import PacketTooLargeError
from tests.agent import vectors

PROCESS = b"\x18\x03svc\x19\x0c\x00"
SPAN = bytes.fromhex("160216001602160018016f25021600160000")
PACKET = emit_batch(PROCESS, [SPAN], 7, (1, 2, 3))
SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def close_clients(monkeypatch):
    """Close what a test has left open; its loop is gone by then."""
    made = []
    original = Client.__init__

    def remember(self, *arguments, **options):
        original(self, *arguments, **options)
        made.append(self)

    monkeypatch.setattr(Client, "__init__", remember)
    yield
    for client in made:
        client.close()
        assert client._open == []  # nothing is under way any more


class Server:
    """Answers as told, one answer after the other, the last one for ever; keeps the requests."""

    def __init__(self, *answers, tls=None):
        self.answers = list(answers) or [202]
        self.requests: list[HTTPServerRequest] = []
        outer = self

        class Handler(RequestHandler):
            async def prepare(self):
                outer.requests.append(self.request)
                answer = outer.answers[0] if len(outer.answers) == 1 else outer.answers.pop(0)
                if callable(answer):
                    answer = answer(self)
                    if answer is not None:
                        await answer
                    return
                status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"")
                self.set_status(status)
                for name, value in headers.items():
                    self.set_header(name, value)
                self.finish(body or None)

        self._server = HTTPServer(Application([(".*", Handler)]), ssl_options=tls)
        sock, self.port = bind_unused_port()
        self._server.add_socket(sock)
        self.scheme = "https" if tls else "http"

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def stop(self):
        self._server.stop()
        await self._server.close_all_connections()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def serving(test):
    """Run ``test(server)``, a coroutine function, with a server of the given answers."""

    def decorated(*answers, tls=None):
        async def main():
            server = Server(*answers, tls=tls)
            try:
                return await test(server)
            finally:
                await server.stop()

        return run(main())

    return decorated


class Pauses(list):
    async def __call__(self, seconds):
        self.append(seconds)


def send(*answers, path="/api/traces", **options):
    """Send one packet; return the requests that arrived, the pauses, and what was raised."""
    pauses = Pauses()
    sleep = options.pop("sleep", pauses)

    @serving
    async def sending(server):
        sender = HTTPSender(server.url + path, sleep=sleep, **options)
        try:
            await sender.send(sender.packet(PROCESS, [SPAN], 7, (1, 2, 3)))
        except OSError as exc:
            return server.requests, pauses, exc
        finally:
            sender.close()
        return server.requests, pauses, None

    return sending(*answers)


# -- what is posted ------------------------------------------------------------------------------


def test_a_packet_is_posted_as_a_bare_batch_in_binary_protocol():
    (posted,), _, error = send(202)
    assert error is None
    assert posted.method == "POST"
    assert posted.uri == "/api/traces?format=jaeger.thrift"
    assert posted.headers["Content-Type"] == "application/x-thrift"
    assert "Authorization" not in posted.headers
    batch = ttypes.Batch()
    batch.read(TBinaryProtocol(TMemoryBuffer(posted.body)))
    assert batch.process.serviceName == "svc"
    assert [span.operationName for span in batch.spans] == ["o"]
    assert batch.seqNo == 7
    assert batch.stats == ttypes.ClientStats(1, 2, 3)


def test_binary_and_compact_vectors_agree():
    assert to_binary(vectors.COMPACT) == vectors.BODY


def test_conversion_works_without_thrifts_c_part(monkeypatch):
    from thrift.protocol.TBinaryProtocol import TBinaryProtocol
    from thrift.protocol.TCompactProtocol import TCompactProtocol

    fast = to_binary(PACKET)
    monkeypatch.setattr(
        collector, "TBinaryProtocolAccelerated", lambda trans, fallback: TBinaryProtocol(trans)
    )
    monkeypatch.setattr(
        collector, "TCompactProtocolAccelerated", lambda trans, fallback: TCompactProtocol(trans)
    )
    assert to_binary(PACKET) == fast


def test_a_query_in_the_url_is_left_alone():
    (posted,), _, _ = send(202, path="/x?format=other&a=b")
    assert posted.uri == "/x?format=other&a=b"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_is_success(status):
    assert send(status)[2] is None


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        ({}, None),
        ({"user": "u", "password": "pä:ss"}, basic("u", "pä:ss")),
        ({"auth_token": "t"}, "Bearer t"),
        ({"user": "u", "password": "p", "auth_token": "t"}, basic("u", "p")),
        ({"user": "u", "auth_token": "t"}, "Bearer t"),
        ({"password": "p"}, None),
        ({"auth_token": "t", "headers": {"Authorization": "Own"}}, "Own"),
    ],
)
def test_authorization(options, authorization):
    (posted,), _, _ = send(202, **options)
    assert posted.headers.get("Authorization") == authorization


@pytest.mark.parametrize(
    ("userinfo", "authorization"),
    [("u:p%40ss@", basic("u", "p@ss")), ("u@", basic("u", "")), ("", None)],
)
def test_user_and_password_in_the_url(userinfo, authorization):
    @serving
    async def sending(server):
        url = server.url.replace("//", f"//{userinfo}") + "/api/traces"
        await HTTPSender(url).send(PACKET)
        return server.requests

    (posted,) = sending(202)
    assert posted.headers.get("Authorization") == authorization


def test_more_headers_are_sent():
    (posted,), _, _ = send(202, headers={"X-Tenant": "t1"})
    assert posted.headers["X-Tenant"] == "t1"


# -- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status):
    requests, pauses, error = send(status, 202)
    assert error is None
    assert len(requests) == 2
    assert requests[0].body == requests[1].body
    assert len(pauses) == 1
    assert 0.25 <= pauses[0] <= 0.5


def test_pauses_double_and_attempts_end():
    requests, pauses, error = send(503, attempts=4, backoff=0.25)
    assert len(requests) == 4
    assert error.code == 503
    assert error.final
    assert len(pauses) == 3
    for pause, most in zip(pauses, (0.25, 0.5, 1)):
        assert most / 2 <= pause <= most


@pytest.mark.parametrize(("said", "waited"), [("3", 3), ("0", 0), ("100000", 10)])
def test_the_servers_retry_after_is_honoured_up_to_a_limit(said, waited):
    _, pauses, error = send((429, {"Retry-After": said}, b""), 202)
    assert error is None
    assert sum(pauses) == waited


@pytest.mark.parametrize(("room_for", "pauses"), [(0, 0), (1, 1), (3, 3), (99, 10)])
def test_a_full_buffer_ends_the_waiting(room_for, pauses):
    """What waits for a collector takes the place of new spans."""
    waited = Pauses()

    @serving
    async def sending(server):
        sender = HTTPSender(server.url, sleep=waited, attempts=2)
        sender.has_room = lambda: len(waited) < room_for
        with pytest.raises(HTTPFailure):
            await sender.send(PACKET)
        sender.close()
        return server.requests

    requests = sending((503, {"Retry-After": "100"}, b""))
    assert len(waited) == pauses
    assert len(requests) == (1 if room_for == 0 else 2)


def test_the_reporter_says_whether_its_buffer_is_full():
    waited = Pauses()

    @serving
    async def sending(server):
        sender = HTTPSender(server.url, attempts=5)
        reporter = Reporter(sender=sender, queue_capacity=3, flush_interval=0.01)
        tracer = Tracer("s", reporter, ConstSampler(True))
        assert sender.has_room()

        async def pause(seconds):
            waited.append(seconds)
            for _ in range(3):
                tracer.start_span("more").finish()
            assert not sender.has_room()

        sender._sleep = pause
        tracer.start_span("first").finish()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, reporter.flush, 10)
        await loop.run_in_executor(None, tracer.close().result, 10)
        return server.requests

    requests = sending(503, 503, 202)
    assert len(waited) == 1  # and after the second attempt no third one
    assert b"first" in requests[1].body
    assert requests[2].body.count(b"more") == 3


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "400 Bad Request"),
        (401, "wants credentials"),
        (403, "does not allow these credentials"),
        (404, "/api/traces"),
        (405, "405"),
        (500, "500 Internal Server Error"),
        (301, "301"),
    ],
)
def test_a_final_failure_is_not_tried_again_and_says_what_it_is(status, says):
    requests, pauses, error = send((status, {"Location": "/other"}, b"x"), auth_token=SECRET)
    assert len(requests) == 1
    assert pauses == []
    assert error.code == status
    assert error.final
    assert says in str(error)
    assert SECRET not in str(error)


def test_413_asks_for_smaller_packets():
    requests, _, error = send(413)
    assert len(requests) == 1
    assert isinstance(error, PacketTooLargeError)


def test_nobody_listening_is_tried_again_and_has_no_code():
    sock, port = bind_unused_port()
    sock.close()
    pauses = Pauses()

    async def main():
        await HTTPSender(f"http://127.0.0.1:{port}/x", sleep=pauses).send(PACKET)

    with pytest.raises(HTTPFailure) as caught:
        run(main())
    assert caught.value.code is None
    assert len(pauses) == 2


def test_a_connection_that_breaks_is_tried_again():
    def breaks(handler):
        handler.request.connection.stream.close()

    requests, _, error = send(breaks, 202)
    assert error is None
    assert len(requests) == 2


def test_a_server_that_never_answers_costs_the_timeout():
    async def never(_):
        await asyncio.Event().wait()

    began = time.monotonic()
    requests, _, error = send(never, timeout=0.5, attempts=2)
    assert error.code is None
    assert len(requests) == 2
    assert 1.0 <= time.monotonic() - began < 20


def test_an_answer_that_is_no_http():
    async def main():
        async def garbage(_, writer):
            writer.write(b"\x00\x01 garbage\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(garbage, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            await HTTPSender(f"http://127.0.0.1:{port}/x", attempts=1).send(PACKET)
        finally:
            server.close()

    with pytest.raises(HTTPFailure) as caught:
        run(main())
    assert caught.value.code is None


def test_an_unknown_host_is_no_answer():
    with pytest.raises(HTTPFailure) as caught:
        run(HTTPSender("http://nope.invalid/x", attempts=1).send(PACKET))
    assert caught.value.code is None


def test_a_closed_sender_stops_trying_again():
    @serving
    async def sending(server):
        async def close(_):
            sender.close()

        sender = HTTPSender(server.url, sleep=close, attempts=10)
        with pytest.raises(HTTPFailure):
            await sender.send(PACKET)
        return server.requests

    assert len(sending(503)) == 2


def test_secrets_are_neither_in_the_repr_nor_in_errors():
    url = f"http://u:{SECRET}@127.0.0.1:1/x?key={SECRET}"
    sender = HTTPSender(url, auth_token=SECRET, headers={"k": SECRET}, attempts=1)
    assert repr(sender) == "HTTPSender('http://127.0.0.1:1/x')"
    with pytest.raises(HTTPFailure) as caught:
        run(sender.send(PACKET))
    assert SECRET not in str(caught.value)
    with pytest.raises(HTTPFailure) as caught:
        run(request("GET", url))
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("by", ["config", "environment"])
@pytest.mark.parametrize(
    "answer",
    [
        202,
        301,
        400,
        401,
        403,
        404,
        413,
        429,
        500,
        503,
        lambda handler: handler.request.connection.stream.close(),
    ],
)
def test_secrets_are_in_no_log_of_a_whole_tracer(answer, by, monkeypatch, caplog):
    """Nor in what asyncio and tornado log when they are told to log everything."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    caplog.set_level(logging.DEBUG)

    @serving
    async def sending(server):
        url = server.url.replace("//", f"//u:{SECRET}@") + f"/api/traces?key={SECRET}"
        if by == "config":
            more = {"endpoint": url, "headers": {"X-Key": SECRET}, "auth_token": SECRET}
        else:
            more = {}
            monkeypatch.setenv("JAEGER_ENDPOINT", url)
            monkeypatch.setenv("JAEGER_AUTH_TOKEN", SECRET)
        config = Config({"sampler": {"type": "const", "param": 1}, **more}, service_name="s")
        tracer = config.new_tracer()
        tracer.reporter._delivery._sender._backoff = 0.001
        tracer.start_span("op").finish()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, tracer.flush, 10)
        await loop.run_in_executor(None, tracer.close().result, 10)
        for shown in (config, tracer, tracer.reporter, tracer.reporter._delivery._sender):
            assert SECRET not in repr(shown) + str(shown)
        return server.requests

    posted = sending(answer)[0]
    assert posted.headers["Authorization"] == basic("u", SECRET)
    for record in caplog.records:
        if record.name != "tornado.access":  # the server's, in this process; it was told the query
            assert SECRET not in caplog.handler.format(record) + str(vars(record))


# -- TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    try:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no openssl command to make a certificate with")
    return folder


def tls_send(certificate, **options):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    @serving
    async def sending(server):
        await HTTPSender(server.url, attempts=1, **options).send(PACKET)
        return server.requests

    return sending(202, tls=context)


def test_tls_with_a_trusted_certificate(certificate):
    assert len(tls_send(certificate, ca_certs=str(certificate / "cert.pem"))) == 1


def test_tls_with_a_certificate_that_nobody_trusts_fails_unless_told(certificate, caplog):
    with pytest.raises(HTTPFailure):
        tls_send(certificate)
    assert len(tls_send(certificate, validate_cert=False)) == 1


# -- request() and the sampling endpoint ----------------------------------------------------------


def test_an_answer_has_code_body_and_headers():
    @serving
    async def asking(server):
        return await request("GET", server.url + "/x")

    answer = asking((200, {"X-A": "b"}, b"body"))
    assert (answer.code, answer.body, answer.headers["x-a"]) == (200, b"body", "b")


def test_an_answer_that_is_too_large_is_a_failure():
    @serving
    async def asking(server):
        return await request("GET", server.url, max_body=1000)

    with pytest.raises(HTTPFailure):
        asking((200, {}, b"x" * 1001))


def test_a_bad_url_is_a_failure_too():
    with pytest.raises(HTTPFailure):
        run(request("GET", "nonsense://"))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("5", 5),
        (" 5 ", 5),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("Thu, 01 Jan 99999 00:01:40 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert _retry_after(value, now=60.0) == seconds


@pytest.mark.parametrize(
    ("path", "asked"), [("/s", "/s?service=a%26b"), ("/s?x=1", "/s?x=1&service=a%26b")]
)
def test_a_sampling_endpoint_is_asked_for_a_service(path, asked):
    @serving
    async def asking(server):
        endpoint = SamplingEndpoint(server.url + path)
        assert endpoint.io_loop is None
        future = endpoint.request_sampling_strategy("a&b", timeout=10)
        answer = await asyncio.wrap_future(future)
        return answer, server.requests

    answer, (got,) = asking((200, {}, b"{}"))
    assert answer.body == b"{}"
    assert (got.method, got.uri) == ("GET", asked)

"""One connection for many requests, against servers that are byte by byte what they are."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaeger_like import Config
from jaeger_like.transport import connection
from jaeger_like.transport.collector import HTTPSender
from jaeger_like.transport.http import Client, HTTPFailure

from .test_http_sender import PACKET, SECRET, certificate, close_clients  # noqa: F401  fixtures

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class RawServer:
    """Answers the n-th request with ``script(n)``, bytes, and counts connections.

    A script may return several parts in a list; None in it closes the connection there.
    """

    def __init__(self, script=lambda number: [ACCEPTED], tls=None):
        self.script = script
        self.tls = tls
        self.connections = 0
        self.requests = []
        self.closed_by_client = 0
        self.writers = []
        self.accepted = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}/api/traces"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        self.accepted.set()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
                body = await reader.readexactly(int(length or 0))
                self.requests.append((head, body))
                for part in self.script(len(self.requests)):
                    if part is None:
                        writer.close()
                        return
                    if callable(part):
                        await part()
                        continue
                    writer.write(part)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed_by_client += 1
            writer.close()

    async def drop_everybody(self):
        """Close all connections from this end, and wait until the other ends could know."""
        for writer in self.writers:
            writer.close()
        self.writers = []


async def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.005)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def serving(script=lambda number: [ACCEPTED], tls=None):
    """Run a coroutine function with a server; return what it returns."""

    def decorate(test):
        async def main():
            async with RawServer(script, tls) as server:
                return await test(server)

        return run(main())

    return decorate


# -- how many connections -------------------------------------------------------------------------


def test_twenty_packets_take_one_connection():
    @serving()
    async def server(server):
        sender = HTTPSender(server.url)
        for _ in range(20):
            await sender.send(PACKET)
        assert server.connections == 1
        sender.close()
        await until(lambda: server.closed_by_client == 1)
        return server

    assert len(server.requests) == 20
    assert len({body for _, body in server.requests}) == 1
    assert b"\r\nConnection: keep-alive\r\n" in server.requests[0][0]


def test_twenty_packets_take_one_connection_with_tls(certificate):  # noqa: F811
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    @serving(tls=context)
    async def server(server):
        sender = HTTPSender(server.url, ca_certs=str(certificate / "cert.pem"))
        for _ in range(20):
            await sender.send(PACKET)
        assert server.connections == 1
        sender.close()
        await until(lambda: server.closed_by_client == 1)
        return server

    assert len(server.requests) == 20


def test_a_server_wants_a_certificate_of_the_client(certificate):  # noqa: F811
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    context.load_verify_locations(certificate / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    pem, key = str(certificate / "cert.pem"), str(certificate / "key.pem")

    @serving(tls=context)
    async def asked(server):
        await HTTPSender(server.url, ca_certs=pem, client_cert=pem, client_key=key).send(PACKET)
        with pytest.raises(HTTPFailure):
            await HTTPSender(server.url, ca_certs=pem, attempts=1).send(PACKET)
        return server

    assert len(asked.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nconnection: x, Close\r\n\r\n",
        b"HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",  # and closes all the same
        b"HTTP/1.1 202 Accepted\r\n\r\nuntil the end",
    ],
)
def test_a_server_that_closes_after_each_answer(answer):
    @serving(lambda number: [answer, None])
    async def server(server):
        sender = HTTPSender(server.url, attempts=1)
        for _ in range(5):
            await sender.send(PACKET)
        sender.close()
        return server

    assert len(server.requests) == 5
    assert server.connections == 5


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\n\r\n"


@pytest.mark.parametrize(("farewell", "closes"), [(b"", 1), (TIMED_OUT, 1), (TIMED_OUT, 0)])
def test_a_server_that_says_goodbye_while_nothing_is_sent(farewell, closes):
    @serving()
    async def server(server):
        sender = HTTPSender(server.url, attempts=1)
        await sender.send(PACKET)
        client = server.writers[0]
        client.write(farewell)
        if closes:
            await server.drop_everybody()
        await until(lambda: not sender._client._idle.is_usable())
        await sender.send(PACKET)
        sender.close()
        return server

    assert len(server.requests) == 2
    assert server.connections == 2


def test_a_connection_that_turns_out_to_be_closed_costs_no_attempt():
    """The end comes after the second request was sent: nobody could have known."""

    @serving(lambda number: [None] if number in (2, 4) else [ACCEPTED])
    async def server(server):
        sender = HTTPSender(server.url, attempts=1)
        for _ in range(3):
            await sender.send(PACKET)
        sender.close()
        return server

    assert len(server.requests) == 5  # three, and two that were not answered
    assert server.connections == 3


def test_a_new_connection_that_is_closed_is_a_failure():
    @serving(lambda number: [None])
    async def server(server):
        with pytest.raises(HTTPFailure) as caught:
            await HTTPSender(server.url, attempts=1).send(PACKET)
        assert caught.value.code is None
        return server

    assert server.connections == 1


def test_a_long_idle_connection_is_not_used_again(monkeypatch):
    monkeypatch.setattr(connection, "MAX_IDLE", 0.0)

    @serving()
    async def server(server):
        sender = HTTPSender(server.url)
        await sender.send(PACKET)
        await sender.send(PACKET)
        await until(lambda: server.closed_by_client == 1)
        sender.close()
        return server

    assert server.connections == 2


def test_a_failed_request_leaves_the_connection_for_the_next():
    answers = {1: b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"}

    @serving(lambda number: [answers.get(number, ACCEPTED)])
    async def server(server):
        sender = HTTPSender(server.url, backoff=0.001)
        await sender.send(PACKET)
        sender.close()
        return server

    assert len(server.requests) == 2
    assert server.connections == 1


def test_requests_at_the_same_time_do_not_meet_on_one_connection():
    @serving()
    async def server(server):
        client = Client(server.url)
        for _ in range(3):
            await asyncio.gather(*(client.request("POST", b"%d" % n) for n in range(4)))
        await until(lambda: server.closed_by_client == server.connections - 1)
        client.close()
        return server

    assert sorted(body for _, body in server.requests) == sorted([b"0", b"1", b"2", b"3"] * 3)
    assert server.connections == 10  # four, and three more in the second and the third round


def test_a_timeout_closes_the_connection():
    async def never():
        await asyncio.Event().wait()

    @serving(lambda number: [never] if number == 1 else [ACCEPTED])
    async def server(server):
        client = Client(server.url, timeout=0.3)
        with pytest.raises(HTTPFailure, match=r"no answer within 0.3 s"):
            await client.request("POST", b"x")
        await client.request("POST", b"x")
        client.close()
        assert client._open == []
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return server

    assert server.connections == 2


def test_a_server_that_never_begins_tls_costs_no_descriptor():
    """A port that does not speak TLS says nothing; every attempt used to leave a socket behind."""

    async def main():
        async def silent(reader, writer):
            opened.append(1)
            await reader.read()  # until the other end closes
            writer.close()
            closed.append(1)

        opened, closed = [], []
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(f"https://127.0.0.1:{port}/", timeout=0.1)
        while len(opened) < 3:  # a busy machine may not even connect in that time
            with pytest.raises(HTTPFailure):
                await client.request("POST", b"x")
        await until(lambda: len(closed) == len(opened))
        server.close()

    run(main())


def test_of_several_addresses_one_that_refuses_or_hangs_is_passed_over(
    certificate,  # noqa: F811
    monkeypatch,
):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    trusting = ssl.create_default_context(cafile=str(certificate / "cert.pem"))

    @serving(tls=context)
    async def server(server):
        async def silent(reader, writer):
            await reader.read()
            writer.close()

        hangs = await asyncio.start_server(silent, "127.0.0.1", 0)
        refuses = socket.create_server(("127.0.0.1", 0))
        ports = [refuses.getsockname()[1], hangs.sockets[0].getsockname()[1], server.port]
        refuses.close()

        async def look_up(host, port):
            return [(socket.AF_INET, ("127.0.0.1", each)) for each in ports]

        monkeypatch.setattr(connection, "look_up", look_up)
        client = Client(server.url, timeout=2, ssl_options=trusting)
        await client.request("POST", b"x")
        client.close()
        del ports[1:]
        with pytest.raises(HTTPFailure, match="ConnectionRefusedError"):
            await Client(server.url, ssl_options=trusting).request("POST", b"x")
        ports.clear()
        with pytest.raises(HTTPFailure, match=r"no address of 127\.0\.0\.1"):
            await Client(server.url).request("POST", b"x")
        hangs.close()
        return server

    assert len(server.requests) == 1


# -- answers --------------------------------------------------------------------------------------

HUNDRED = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhe", b"llo"], b"hello"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"], b"hello"),
        ([b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"], b""),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b""),
        (
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            ],
            b"hello",
        ),
        (
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
                b"5;name=value\r\nhe",
                b"llo\r\n0\r\nTrailer: x\r\n",
                b"\r\n",
            ],
            b"hello",
        ),
        ([HUNDRED, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], b"ok"),
        ([HUNDRED + HUNDRED + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], b"ok"),
        (
            [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ACCEPTED],
            b"",
        ),
    ],
)
def test_every_form_of_an_answer_leaves_the_connection_for_the_next(parts, body):
    @serving(lambda number: parts)
    async def answers(server):
        client = Client(server.url)
        answers = [(await client.request("POST", b"x")).body for _ in range(3)]
        client.close()
        assert server.connections == 1
        return answers

    assert answers == [body] * 3


def test_an_answer_until_the_end_of_the_connection_is_whole():
    @serving(lambda number: [b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", None])
    async def answer(server):
        return await Client(server.url).request("GET")

    assert answer.body == b"hello"


TOO_LARGE = [
    b"HTTP/1.1 %d X\r\nContent-Length: 101\r\n\r\n" + b"x" * 101,
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"32\r\n" + b"x" * 50 + b"\r\n33\r\n",
    b"HTTP/1.1 %d X\r\n\r\n" + b"x" * 101,
    b"HTTP/1.1 %d X\r\nContent-Length: 999999999999999\r\n\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
]
BROKEN = [
    b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhel",
    b"HTTP/1.1 %d X\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 %d X\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhex\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 2000,
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 200,
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
]


@pytest.mark.parametrize("answer", TOO_LARGE + BROKEN)
def test_a_bad_body_is_a_failure_that_has_the_status(answer):
    @serving(lambda number: [answer % (200 + 303 * (number - 1)), None])
    async def failures(server):
        client = Client(server.url, max_body=100)
        failures = []
        for _ in range(2):
            with pytest.raises(HTTPFailure) as caught:
                await client.request("GET")
            failures.append(caught.value)
        return failures

    assert [failure.code for failure in failures] == [200, 503]
    assert "200, but " in str(failures[0])


@pytest.mark.parametrize("answer", TOO_LARGE + BROKEN)
def test_a_packet_that_was_taken_is_not_sent_again_whatever_the_body(answer):
    @serving(lambda number: [answer % 202, None])
    async def server(server):
        await HTTPSender(server.url, backoff=0.001).send(PACKET)
        return server

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 1000 High\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"x" * 70_000,
        HUNDRED * 20,
        b"\x00\xff\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_answer_has_no_status(answer):
    @serving(lambda number: [answer, None])
    async def failure(server):
        with pytest.raises(HTTPFailure) as caught:
            await Client(server.url).request("GET")
        return caught.value

    assert failure.code is None
    assert SECRET not in str(failure)


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 503 Busy\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\n\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"FFFFFFFF\r\n",
        b"-1\r\n",
        b": x\r\n",
        b" folded\r\n",
    ]
)


@given(st.lists(st.lists(PIECES | st.binary(max_size=20), max_size=12), min_size=3, max_size=3))
@settings(deadline=None)
def test_whatever_a_server_answers_is_an_answer_or_a_failure(answers):
    @serving(lambda number: [b"".join(answers[number % 3]), *([None] if number % 2 else [])])
    async def server(server):
        client = Client(server.url, timeout=0.05, max_body=100)
        for _ in range(3):
            try:
                answer = await client.request("POST", b"x")
            except HTTPFailure:
                pass
            else:
                assert 200 <= answer.code < 300
                assert len(answer.body) <= 100
            assert len(client._open) == (client._idle is not None)
        client.close()
        assert client._open == []
        return server

    assert server.connections


# -- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", b"POST / HTTP/1.1"),
        ("?a=b", b"POST /?a=b HTTP/1.1"),
        ("/a b", b"POST /a%20b HTTP/1.1"),
        ("/ä?ö=1%20", b"POST /%C3%A4?%C3%B6=1%20 HTTP/1.1"),
        ("/x#part", b"POST /x HTTP/1.1"),
    ],
)
def test_the_target(path, line):
    @serving()
    async def server(server):
        client = Client(f"http://127.0.0.1:{server.port}{path}")
        await client.request("POST", b"")
        client.close()
        return server

    head = server.requests[0][0]
    assert head.splitlines()[0] == line
    assert b"\r\nHost: 127.0.0.1:%d\r\n" % server.port in head
    assert b"\r\nUser-Agent: jaeger-like/" in head
    assert b"\r\nContent-Length: 0\r\n" in head


def test_headers_that_are_given_beat_those_made_here():
    @serving()
    async def server(server):
        client = Client(server.url, headers={"user-AGENT": "mine", "X-Name": "€", "host": "h"})
        await client.request("POST", b"x")
        client.close()
        return server

    head = server.requests[0][0]
    assert head.lower().count(b"user-agent") == head.lower().count(b"host:") == 1
    assert b"user-AGENT: mine" in head
    assert "X-Name: €".encode() in head


@pytest.mark.parametrize(
    "headers", [{"A": f"{SECRET}\r\nB: c"}, {"A": f"{SECRET}\n"}, {"A B": SECRET}]
)
def test_headers_that_are_none_are_refused_without_their_values(headers):
    for make in (Client, HTTPSender):
        with pytest.raises(ValueError, match="header") as caught:
            make("http://h/", headers=headers)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://h/", "http://", "/path", "http://h:99999/"])
def test_urls_that_are_none_are_refused(url):
    with pytest.raises(ValueError):  # noqa: PT011  of urllib's too
        HTTPSender(url)


def test_the_environments_proxies_are_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    @serving()
    async def server(server):
        client = Client(server.url)
        await client.request("POST", b"x")
        client.close()
        return server

    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_takes_no_credential_elsewhere(code):
    async def main():
        async with RawServer() as elsewhere:
            redirect = b"HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
            answer = redirect % (code, elsewhere.url.encode())
            async with RawServer(lambda number: [answer]) as server:
                sender = HTTPSender(server.url, auth_token=SECRET)
                with pytest.raises(HTTPFailure) as caught:
                    await sender.send(PACKET)
                sender.close()
                assert caught.value.code == code
                assert caught.value.final
            return elsewhere

    assert run(main()).connections == 0


def test_files_of_certificates_that_cannot_be_read_are_named(tmp_path, certificate):  # noqa: F811
    missing = str(tmp_path / "missing.pem")
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-passout", "pass:secret", "-out", str(locked)]
        + ["-in", str(certificate / "key.pem")],
        check=True,
        capture_output=True,
        timeout=60,
    )
    pem = str(certificate / "cert.pem")
    for options in (
        {"ca_certs": missing},
        {"client_cert": missing},
        {"client_cert": pem, "client_key": str(locked)},  # nobody is asked for the password
    ):

        @serving()
        async def failure(server):
            with pytest.raises(HTTPFailure) as caught:
                await Client(server.url.replace("http:", "https:"), **options).request("GET")  # noqa: B023
            return caught.value

        assert "cannot load " in str(failure)
        assert next(iter(options.values())) in str(failure)


# -- loops, forks, the end ------------------------------------------------------------------------


def test_a_connection_of_another_loop_is_not_used():
    """As after the loop that a user handed in has stopped."""
    accepted = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            accepted.append(peer)
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    def answer(peer):
        while peer.recv(65536).endswith(b"x"):
            peer.sendall(ACCEPTED)
        peer.close()

    threading.Thread(target=serve, daemon=True).start()
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    try:
        for expected in (1, 2):
            run(client.request("POST", b"x"))
            assert len(accepted) == expected
    finally:
        client.close()
        listener.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("secure", [False, True])
def test_a_forked_child_opens_its_own_connection_and_leaves_the_parents_alone(
    secure,
    certificate,  # noqa: F811
):
    context = None
    options = {}
    if secure:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        options = {"tls": {"ca_certs": str(certificate / "cert.pem")}}
    program = """
        import os, sys
        from jaeger_like import Config
        tracer = Config({"sampler": {"type": "const", "param": 1}, "endpoint": sys.argv[1],
                         **eval(sys.argv[2])}, service_name="s").new_tracer()
        def send(name):
            tracer.start_span(name).finish()
            assert tracer.reporter.flush(10)
        send("parent before")
        send("parent again")
        (sent, tell_sent), (end, tell_end) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            send("child")
            os.close(tell_end)
            os.write(tell_sent, b"x")
            os.read(end, 1)
            tracer.close().result(10)
            os._exit(0)
        os.read(sent, 1)
        send("parent after")
        tracer.close().result(10)
        sys.stdin.read()
        os.write(tell_end, b"x")
        assert os.waitpid(pid, 0)[1] == 0
    """

    @serving(tls=context)
    async def server(server):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", textwrap.dedent(program)),
            *(server.url, repr(options)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        await until(lambda: len(server.requests) == 4 or process.returncode is not None)
        # The parent's is closed, though the child lives: it has closed what it inherited.
        await until(lambda: server.closed_by_client == 1 or process.returncode is not None)
        out, err = await process.communicate(b"")
        assert (process.returncode, out, err) == (0, b"", b"")
        return server

    names = [b"parent before", b"parent again", b"child", b"parent after"]
    assert [name in body for name, (_, body) in zip(names, server.requests)] == [True] * 4
    assert server.connections == 2


def test_a_program_that_ends_sends_and_says_nothing():
    program = """
        import sys
        from jaeger_like import Config
        tracer = Config({"sampler": {"type": "const", "param": 1}, "endpoint": sys.argv[1]},
                        service_name="s").new_tracer()
        tracer.start_span("first").finish()
        assert tracer.reporter.flush(10)
        tracer.start_span("second").finish()
    """

    @serving()
    async def server(server):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", textwrap.dedent(program)),
            server.url,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")
        return server

    assert len(server.requests) == 2
    assert server.connections == 1


def test_a_whole_tracer_takes_one_connection_for_twenty_batches():
    @serving()
    async def server(server):
        config = {"sampler": {"type": "const", "param": 1}, "endpoint": server.url}
        tracer = Config(config, service_name="s").new_tracer()
        loop = asyncio.get_running_loop()
        for number in range(20):
            tracer.start_span(str(number)).finish()
            assert await loop.run_in_executor(None, tracer.reporter.flush, 10)
        await loop.run_in_executor(None, tracer.close().result, 10)
        await until(lambda: server.closed_by_client == 1)
        return server

    assert len(server.requests) == 20
    assert server.connections == 1

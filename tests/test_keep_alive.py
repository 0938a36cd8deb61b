"""One connection for many requests, against servers that are byte by byte what they are."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import threading

import pytest

from jaeger_like import Config
from jaeger_like.transport import connection
from jaeger_like.transport.collector import HTTPSender
from jaeger_like.transport.http import Client, HTTPFailure

from .raw_server import ACCEPTED, run, serving, until
from .test_http_sender import PACKET, certificate, close_clients  # noqa: F401  fixtures

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


def test_twenty_packets_take_one_connection_with_tls(certificate):
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


def test_a_server_wants_a_certificate_of_the_client(certificate):
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
    certificate,
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
    certificate,
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

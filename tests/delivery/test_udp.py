"""Agents that are there, are not, come back, move, and names that nobody knows."""

import _socket
import asyncio
import errno
import logging
import socket
import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError

import pytest

from jaeger_like.encoding.packet import emit_batch
from jaeger_like.testing import RecordingAgent
from jaeger_like.transport import resolver, udp
from jaeger_like.transport.udp import PacketTooLargeError, UDPSender

from .helpers import TIMEOUT, assert_exactly_once, free_port, ids_of, run_program, trace

SPAN = bytes.fromhex("160216001602160018016f25021600160000")
PACKET = emit_batch(b"\x18\x03svc\x19\x0c\x00", [SPAN], 1, (0, 0, 0))
HOST = "agent.example"


def address(port, host="127.0.0.1"):
    if ":" in host:
        return (_socket.AF_INET6, (host, port, 0, 0))
    return (_socket.AF_INET, (host, port))


class Names:
    """In place of the name service: answers what it is told, and remembers the questions."""

    def __init__(self, monkeypatch, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.changed = threading.Condition()
        monkeypatch.setattr(udp, "look_up", self.look_up)

    async def look_up(self, host, port, **_):
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if answer == "hang":
            loop = asyncio.get_running_loop()
            end = loop.create_future()
            self.release = lambda: loop.call_soon_threadsafe(end.set_result, None)
            await end
            answer = UNKNOWN
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def wait_for(self, number):
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked >= number, TIMEOUT)


UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


# -- families ----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_spans_arrive_at(make_tracer, host):
    with RecordingAgent("127.0.0.1" if host == "localhost" else host) as agent:
        tracer = make_tracer(agent.port, host=host)
        ids = trace(tracer, 10)
        assert tracer.flush(TIMEOUT)
        assert_exactly_once(agent, ids)


@pytest.mark.parametrize("listens", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("first", ["127.0.0.1", "::1"])
def test_localhost_is_two_addresses_and_the_agent_listens_on_one(
    make_tracer, numbers, monkeypatch, listens, first
):
    second = "::1" if first == "127.0.0.1" else "127.0.0.1"
    with RecordingAgent(listens) as agent:
        names = Names(monkeypatch, [address(agent.port, first), address(agent.port, second)])
        tracer = make_tracer(agent.port, host="localhost", metrics_factory=numbers)
        ids = []
        for _ in range(3):
            ids += trace(tracer, 10)
            assert tracer.flush(TIMEOUT)
        assert_exactly_once(agent, ids)
        assert numbers.spans("ok") == 30
        assert numbers.spans("err") == 0
        assert names.asked == 1  # and not again for every packet


def test_an_address_that_this_machine_cannot_reach_is_passed_over(make_tracer, agent, monkeypatch):
    """As in a container without IPv6 whose hosts file says that localhost is ::1."""
    nowhere = (_socket.AF_INET, ("255.255.255.255", agent.port))  # not without SO_BROADCAST
    Names(monkeypatch, [nowhere, address(agent.port)])
    tracer = make_tracer(host="localhost")
    ids = trace(tracer, 10)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


# -- agents that are not there -----------------------------------------------------------------


def test_an_agent_that_starts_within_the_retry_time_gets_every_span_once(make_tracer, numbers):
    port = free_port()
    tracer = make_tracer(port, metrics_factory=numbers, flush_interval=0.01)
    ids = trace(tracer, 10)
    refused = tracer.reporter.agent.sender
    seen = threading.Event()
    original = refused.send

    async def send(packet):
        try:
            await original(packet)
        except OSError:
            seen.set()
            raise

    refused.send = send
    assert seen.wait(TIMEOUT)
    with RecordingAgent(port=port) as agent:
        assert_exactly_once(agent, ids)
        assert tracer.flush(TIMEOUT)
    assert numbers.spans("ok") == 10
    assert numbers.spans("err") == 0


def test_an_agent_that_is_away_is_counted_logged_once_and_its_return_too(
    make_tracer, numbers, caplog
):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    port = free_port()
    tracer = make_tracer(port, metrics_factory=numbers)
    trace(tracer, 3)
    assert not tracer.flush(TIMEOUT)  # after the attempts of a second and a half
    before = time.monotonic()
    for _ in range(5):  # while it is away, one attempt for each packet
        trace(tracer, 1)
        assert not tracer.flush(TIMEOUT)
    assert time.monotonic() - before < 1
    assert numbers.spans("err") == 8
    with RecordingAgent(port=port) as agent:
        ids = []
        for _ in range(3):
            ids += trace(tracer, 2)
            assert tracer.flush(TIMEOUT)
        assert_exactly_once(agent, ids)
        assert agent.batches[-1].stats == (0, 0, 8)
        assert agent.batches[0].seq_no == 7
    messages = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert [m for m in messages if "submit" in m[1].lower()] == [
        (
            "ERROR",
            "Failed to submit traces to jaeger-agent socket: [Errno 111] Connection refused",
        ),
        ("INFO", "Submitting traces to jaeger-agent socket works again"),
    ]


def test_an_agent_that_dies_and_returns_gets_what_comes_after_its_return(make_tracer, numbers):
    with RecordingAgent() as agent:
        port = agent.port
        tracer = make_tracer(port, metrics_factory=numbers)
        first = trace(tracer, 5)
        assert tracer.flush(TIMEOUT)
        assert_exactly_once(agent, first)
    trace(tracer, 5)
    assert not tracer.flush(TIMEOUT)
    with RecordingAgent(port=port) as agent:
        last = trace(tracer, 5)
        assert tracer.flush(TIMEOUT)
        assert_exactly_once(agent, last)
    assert (numbers.spans("ok"), numbers.spans("err")) == (10, 5)


# -- names -------------------------------------------------------------------------------------


def test_a_name_that_becomes_known_within_the_retry_time_costs_nothing(
    make_tracer, agent, monkeypatch, numbers
):
    names = Names(monkeypatch, UNKNOWN, UNKNOWN, [address(agent.port)])
    tracer = make_tracer(host=HOST, metrics_factory=numbers)
    ids = trace(tracer, 5)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert names.asked == 3
    assert numbers.spans("err") == 0


def test_a_name_that_stays_unknown_is_an_error_like_any_other(
    make_tracer, monkeypatch, numbers, caplog
):
    Names(monkeypatch, UNKNOWN)
    tracer = make_tracer(host=HOST, metrics_factory=numbers)
    trace(tracer, 5)
    assert not tracer.flush(TIMEOUT)
    assert numbers.spans("err") == 5
    assert "Name or service not known" in caplog.text


def test_a_name_service_that_hangs_blocks_neither_flush_nor_close(make_tracer, agent, monkeypatch):
    names = Names(monkeypatch, "hang", [address(agent.port)])
    tracer = make_tracer(host=HOST)
    other = make_tracer()  # its agent is a number
    trace(tracer, 5)
    names.wait_for(1)
    before = time.monotonic()
    assert not tracer.flush(0.1)
    future = tracer.close()
    with pytest.raises(FutureTimeoutError):
        future.result(0.1)
    ids = trace(other, 5)
    assert other.flush(TIMEOUT)
    assert time.monotonic() - before < 2
    assert_exactly_once(agent, ids)
    names.release()
    assert future.result(TIMEOUT)


def test_the_host_is_looked_up_again_and_followed(monkeypatch):
    with RecordingAgent() as old, RecordingAgent() as new:
        clock = Clock()
        names = Names(
            monkeypatch, [address(old.port)], UNKNOWN, [address(old.port)], [address(new.port)]
        )
        sender = UDPSender(HOST, old.port, clock=clock)

        async def send(times, advance):
            for _ in range(times):
                clock.now += advance
                await sender.send(PACKET)
                await asyncio.sleep(0)  # lets a look-up in the background end
                await asyncio.sleep(0)

        async def run():
            try:
                await send(3, 9.0)
                assert names.asked == 1
                await send(1, 12.1)  # 30 s later: unknown for the moment, so the old one stays
                assert names.asked == 2
                await send(1, 30.1)
                kept = sender._socket
                await send(1, 0.0)
                assert sender._socket is kept  # the same address: the same socket
                await send(1, 30.1)
                await send(1, 0.0)
            finally:
                sender.close()

        asyncio.run(run())
        assert (len(old.wait_for(7)), len(new.wait_for(1))) == (7, 1)


def test_addresses_in_another_order_are_no_news(monkeypatch, agent):
    clock = Clock()
    refuses, listens = address(free_port()), address(agent.port)
    names = Names(monkeypatch, [refuses, listens])
    sender = UDPSender(HOST, 1, clock=clock)

    async def run():
        await sender.send(PACKET)
        kept = sender._socket
        clock.now += 31
        await sender.send(PACKET)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await sender.send(PACKET)
        assert names.asked == 2
        assert sender._socket is kept
        sender.close()

    asyncio.run(run())
    agent.wait_for(3)


def test_after_a_failure_the_host_is_looked_up_soon(monkeypatch):
    with RecordingAgent() as new:
        clock = Clock()
        names = Names(monkeypatch, [address(free_port())], [address(new.port)])
        sender = UDPSender(HOST, 1, clock=clock)

        async def run():
            with pytest.raises(ConnectionRefusedError):
                await sender.send(PACKET)
            assert names.asked == 1
            clock.now += 0.5
            with pytest.raises(ConnectionRefusedError):
                await sender.send(PACKET)
            assert names.asked == 1
            clock.now += 0.6
            with pytest.raises(ConnectionRefusedError):
                await sender.send(PACKET)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await sender.send(PACKET)
            assert names.asked == 2

        asyncio.run(run())
        sender.close()


def test_a_known_address_is_used_while_the_name_service_hangs(monkeypatch, agent):
    clock = Clock()
    Names(monkeypatch, [address(agent.port)], "hang")
    sender = UDPSender(HOST, 1, clock=clock)

    async def run():
        await sender.send(PACKET)
        clock.now += 31
        await asyncio.wait_for(sender.send(PACKET), 1)
        await asyncio.wait_for(sender.send(PACKET), 1)
        sender.close()
        await asyncio.sleep(0)

    asyncio.run(run())


def test_a_look_up_of_a_loop_that_is_gone_is_not_waited_for(monkeypatch, agent):
    Names(monkeypatch, "hang", [address(agent.port)])
    sender = UDPSender(HOST, 1)
    gone = asyncio.new_event_loop()

    async def begin():
        sender.prepare()
        sender.prepare()  # one is enough
        await asyncio.sleep(0)

    gone.run_until_complete(begin())
    asyncio.run(sender.send(PACKET))
    stuck = list(asyncio.all_tasks(gone))
    assert len(stuck) == 1
    stuck[0].cancel()
    gone.run_until_complete(asyncio.sleep(0))
    gone.close()
    sender.close()


def test_closing_with_a_look_up_on_a_closed_loop_is_no_error(monkeypatch):
    Names(monkeypatch, "hang")
    sender = UDPSender(HOST, 1)
    loop = asyncio.new_event_loop()

    async def begin():
        sender.prepare()
        await asyncio.sleep(0)

    loop.run_until_complete(begin())
    loop.close()
    sender.close()
    sender.close()


# -- the socket --------------------------------------------------------------------------------


class FakeSocket:
    """Fails as told, then sends."""

    def __init__(self, *failures, pending=0):
        self.failures = list(failures)
        self.pending = pending
        self.sent = []
        self.closed = False

    def send(self, packet):
        if self.failures:
            raise OSError(self.failures.pop(0), "told to")
        self.sent.append(packet)

    def getsockopt(self, *_):
        return self.pending

    def close(self):
        self.closed = True


def sender_with(sock, monkeypatch):
    sender = UDPSender("127.0.0.1", 1)

    def connect():
        sender._socket = sock

    monkeypatch.setattr(sender, "_connect", connect)
    return sender


@pytest.mark.parametrize(
    "failures",
    [
        (errno.EAGAIN,),
        (errno.ENOBUFS, errno.ENOBUFS),
        (errno.ECONNREFUSED,),  # of an earlier packet
        (errno.ECONNREFUSED, errno.ECONNREFUSED, errno.ECONNREFUSED),
    ],
)
def test_passing_failures_of_the_socket_are_waited_for(monkeypatch, failures):
    sock = FakeSocket(*failures)
    asyncio.run(sender_with(sock, monkeypatch).send(PACKET))
    assert sock.sent == [PACKET]


@pytest.mark.parametrize(
    "failures",
    [(errno.EAGAIN,) * 4, (errno.ECONNREFUSED,) * 4, (errno.EPERM,), (errno.EHOSTUNREACH,)],
)
def test_lasting_failures_of_the_socket_are_told_and_nothing_counts_as_sent(monkeypatch, failures):
    sock = FakeSocket(*failures)
    with pytest.raises(OSError, match="told to"):
        asyncio.run(sender_with(sock, monkeypatch).send(PACKET))
    assert sock.sent == []
    assert sock.closed


def test_a_datagram_too_large_is_told_apart(monkeypatch):
    sock = FakeSocket(errno.EMSGSIZE)
    with pytest.raises(PacketTooLargeError):
        asyncio.run(sender_with(sock, monkeypatch).send(PACKET))
    assert not sock.closed


@pytest.mark.parametrize(
    ("kind", "family"), [("udp4", _socket.AF_INET), ("udp6", _socket.AF_INET6), (None, None)]
)
def test_only_addresses_of_the_wanted_family_are_taken(kind, family):
    sender = UDPSender("localhost", 9, family=kind)
    asyncio.run(sender._resolve())
    both = {_socket.AF_INET, _socket.AF_INET6}
    assert {found for found, _ in sender._addresses} == ({family} if family else both)


@pytest.mark.parametrize(("interval", "looked_up"), [(5.0, 2), (None, 1)])
def test_how_often_the_host_is_looked_up_again(monkeypatch, agent, interval, looked_up):
    clock = Clock()
    names = Names(monkeypatch, [address(agent.port)])

    async def main():
        sender = UDPSender(HOST, agent.port, clock=clock, resolve_interval=interval)
        for advance in (0.0, 4.9, 0.2, 0.2):
            clock.now += advance
            await sender.send(PACKET)
            await asyncio.sleep(0)
        sender.close()

    asyncio.run(main())
    assert names.asked == looked_up


def test_a_socket_that_cannot_be_connected_is_closed(monkeypatch):
    Names(monkeypatch, [(_socket.AF_INET, ("255.255.255.255", 1))])
    with pytest.raises(OSError, match=r".+"):
        asyncio.run(UDPSender(HOST, 1).send(PACKET))


def test_a_name_without_an_address_is_an_error(monkeypatch):
    Names(monkeypatch, [])
    with pytest.raises(OSError, match=f"no address of {HOST}"):
        asyncio.run(UDPSender(HOST, 1).send(PACKET))


# -- pace --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("urgent", "seconds"), [(False, 0.0026), (True, 0.001)])
def test_packets_are_paced_by_their_bytes_after_the_first(urgent, seconds):
    now = [100.0]
    sender = UDPSender("127.0.0.1", 1, clock=lambda: now[0])

    def pause(size):
        return sender.pause_after(b"x" * size, urgent)

    assert pause(65_000) == 0
    assert pause(65_000) == pytest.approx(seconds, rel=0.05)
    assert pause(6_500) == pytest.approx(1.1 * seconds, rel=0.05)
    now[0] += seconds  # whatever took that time: it counts
    assert pause(65_000) == pytest.approx(1.1 * seconds, rel=0.05)
    now[0] += 60  # a quiet minute is worth no more than a quiet moment
    assert pause(65_000) == 0
    assert pause(65_000) == pytest.approx(seconds, rel=0.05)


def test_a_receiver_with_a_default_buffer_in_another_process_loses_nothing():
    """An agent's default buffer holds three full packets; 50,000 spans are eighty."""
    result = run_program("slow_receiver.py", 50_000)
    assert result.stderr == ""
    assert result.values("finished") == [50_000]
    assert result.values("received") == [50_000]
    assert result.values("distinct") == [50_000]


# -- the resolver ------------------------------------------------------------------------------


def test_numbers_are_no_names():
    async def run():
        return (
            await resolver.look_up("127.0.0.1", 1, kind=socket.SOCK_DGRAM),
            await resolver.look_up("::1", 1, kind=socket.SOCK_DGRAM),
        )

    four, six = asyncio.run(run())
    assert four == [(socket.AF_INET, ("127.0.0.1", 1))]
    assert six == [(socket.AF_INET6, ("::1", 1, 0, 0))]


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "no.such.host.invalid"])
def test_what_is_no_name_is_an_error_of_names(host):
    with pytest.raises(socket.gaierror):
        asyncio.run(resolver.look_up(host, 1))


def test_an_answer_that_nobody_waits_for_is_dropped(monkeypatch):
    asked, answer, answered = threading.Event(), threading.Event(), threading.Event()
    original = resolver._get_addresses

    def slow(host, port, family, kind, flags):
        if flags:
            raise OSError
        asked.set()
        answer.wait(TIMEOUT)
        try:
            return original("127.0.0.1", port, family, kind, 0)
        finally:
            answered.set()

    monkeypatch.setattr(resolver, "_get_addresses", slow)

    async def run():
        task = asyncio.ensure_future(resolver.look_up(HOST, 1))
        await asyncio.sleep(0)  # it starts its thread
        assert asked.wait(TIMEOUT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer.set()
        assert answered.wait(TIMEOUT)
        await asyncio.sleep(0.01)  # room for what should not happen

    asyncio.run(run())


def no_thread(_):
    raise RuntimeError("can't create new thread at interpreter shutdown")


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (socket.AF_UNSPEC, [("127.0.0.1", 7), ("::1", 7, 0, 0)]),
        (socket.AF_INET, [("127.0.0.1", 7)]),
        (socket.AF_INET6, [("::1", 7, 0, 0)]),
    ],
)
@pytest.mark.parametrize("name", ["localhost", "LocalHost"])
def test_localhost_is_known_without_asking(monkeypatch, name, family, expected):
    """Python 3.12 and later give no thread at exit, where the first packet may have to be sent; and
    a process that forks while another thread asks leaves the child a resolver that hangs."""
    monkeypatch.setattr("jaeger_like._native.start_thread", no_thread)
    monkeypatch.setattr(resolver, "_get_addresses", no_thread)
    found = asyncio.run(resolver.look_up(name, 7, family))
    assert [where for _, where in found] == expected


def test_without_a_thread_a_name_is_unknown_unless_the_loop_is_our_own(monkeypatch):
    monkeypatch.setattr("jaeger_like._native.start_thread", no_thread)
    with pytest.raises(OSError, match="cannot look up"):
        asyncio.run(resolver.look_up(HOST, 7))

    async def run():
        asyncio.get_running_loop().may_block_at_exit = True
        return await resolver.look_up(HOST, 7)

    def asked(host, port, family, kind, flags):
        if flags:
            raise OSError("no number")
        return [(host, port)]

    monkeypatch.setattr(resolver, "_get_addresses", asked)
    assert asyncio.run(run()) == [(HOST, 7)]


def test_ids_are_told_apart(agent, make_tracer):
    tracer = make_tracer()
    ids = trace(tracer, 100)
    assert tracer.flush(TIMEOUT)
    assert ids_of(agent.wait_for(100)) == ids  # and in order

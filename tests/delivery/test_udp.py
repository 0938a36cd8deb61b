"""Agents that are there, are not, come back; the socket, and the pace of packets."""

import _socket
import asyncio
import errno
import logging
import threading
import time

import pytest

from jaeger_like.testing import RecordingAgent
from jaeger_like.transport.udp import PacketTooLargeError, UDPSender

from .helpers import TIMEOUT, assert_exactly_once, free_port, ids_of, run_program, trace
from .names import HOST, PACKET, Clock, Names, address

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


def test_ids_are_told_apart(agent, make_tracer):
    tracer = make_tracer()
    ids = trace(tracer, 100)
    assert tracer.flush(TIMEOUT)
    assert ids_of(agent.wait_for(100)) == ids  # and in order

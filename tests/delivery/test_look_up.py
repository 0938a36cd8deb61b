"""Names of agents: unknown, slow, moving; and the resolver that looks them up."""

import asyncio
import socket
import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError

import pytest

from jaeger_like.testing import RecordingAgent
from jaeger_like.transport import resolver
from jaeger_like.transport.udp import UDPSender

from .helpers import TIMEOUT, assert_exactly_once, free_port, trace
from .names import HOST, PACKET, UNKNOWN, Clock, Names, address

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
    asked, answer = threading.Event(), threading.Event()

    def slow(host, port, family, kind, flags):
        if flags:
            raise OSError
        asked.set()
        answer.wait(TIMEOUT)
        return []

    monkeypatch.setattr(resolver, "_get_addresses", slow)

    async def run():
        loop = asyncio.get_running_loop()
        problems, delivered = [], asyncio.Event()
        loop.set_exception_handler(lambda loop, context: problems.append(context))
        call_soon_threadsafe = loop.call_soon_threadsafe

        def then_tell(*call):
            call_soon_threadsafe(*call)
            call_soon_threadsafe(delivered.set)

        monkeypatch.setattr(loop, "call_soon_threadsafe", then_tell)
        task = asyncio.ensure_future(resolver.look_up(HOST, 1))
        await asyncio.sleep(0)  # it starts its thread
        assert asked.wait(TIMEOUT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer.set()
        await asyncio.wait_for(delivered.wait(), TIMEOUT)
        return problems

    assert asyncio.run(run()) == []


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

"""Modules that only programs written for jaeger_client import."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tornado.ioloop import IOLoop

from jaeger_like.ioloop_util import future_exception, future_result, submit
from jaeger_like.TUDPTransport import TUDPTransport


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def receiver(request):
    family, host = request.param
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.settimeout(5)
        yield sock


def test_udp_transport_writes_a_datagram_for_each_buffer(receiver):
    host, port = receiver.getsockname()[:2]
    transport = TUDPTransport(host, port)
    assert (transport.transport_host, transport.transport_port) == (host, port)
    assert transport.isOpen()
    assert transport.write(b"one") == 3
    transport.write(b"two")
    assert [receiver.recv(100), receiver.recv(100)] == [b"one", b"two"]
    transport.close()
    assert not transport.isOpen()
    with pytest.raises(OSError, match="closed"):
        transport.write(b"three")


@pytest.mark.parametrize("blocking", [True, False])
def test_udp_transport_blocks_only_when_told_to(blocking):
    transport = TUDPTransport("127.0.0.1", 6831, blocking=blocking)
    assert transport.transport_sock.getblocking() is blocking
    transport.close()


def test_udp_transport_with_unknown_host_is_made_and_fails_when_it_writes():
    transport = TUDPTransport("no-such-host.invalid", 6831)
    with pytest.raises(socket.gaierror):
        transport.write(b"x")
    transport.close()


def test_udp_transport_that_cannot_connect_leaves_no_socket_open():
    # A broadcast address wants a permission that the socket does not have.
    transport = TUDPTransport("255.255.255.255", 6831)
    assert transport.transport_sock is None
    transport.close()


async def _raise_later():
    await asyncio.sleep(0)
    raise KeyError("later")


def _raise_now():
    raise KeyError("now")


async def _double(number, plus=0):
    await asyncio.sleep(0)
    return 2 * number + plus


def _on_a_loop(fn, *args, **kwargs):
    loop = IOLoop(make_current=False)
    try:
        future = submit(fn, loop, *args, **kwargs)
        return loop.run_sync(lambda: future)
    finally:
        loop.close()


def test_submit_runs_functions_and_coroutines_on_the_loop():
    assert _on_a_loop(_double, 4, plus=1) == 9
    assert _on_a_loop(lambda: "plain") == "plain"


@pytest.mark.parametrize("fn", [_raise_now, _raise_later])
def test_submit_hands_on_failures(fn):
    with pytest.raises(KeyError):
        _on_a_loop(fn)


def test_futures_that_are_done():
    async def use():
        with pytest.raises(KeyError):
            await future_exception(KeyError("x"))
        return await future_result(3)

    assert asyncio.run(use()) == 3

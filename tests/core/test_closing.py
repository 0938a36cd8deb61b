"""What ``close()`` returns serves every kind of program."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest
import tornado.gen
import tornado.ioloop

from jaeger_like import ConstSampler, Tracer
from jaeger_like.closing import CloseFuture, all_of, resolved
from jaeger_like.reporter import CompositeReporter, NullReporter, Reporter


class Sink:
    """A Thrift transport that takes everything."""

    def write(self, data):
        pass

    def flush(self):
        pass


def reporters():
    return [NullReporter(), CompositeReporter(), Reporter(Sink()), CompositeReporter(NullReporter(), Reporter(Sink()))]  # fmt: skip  # noqa: E501  a line for each


@pytest.fixture(params=range(4))
def tracer(request):
    tracer = Tracer("svc", reporters()[request.param], ConstSampler(True))
    tracer.start_span("op").finish()
    return tracer


def test_result(tracer):
    assert tracer.close().result() is True
    assert tracer.close().done()


def test_result_with_a_timeout(tracer):
    assert tracer.close().result(10) is True
    assert tracer.close().result(timeout=10) is True


def test_callback(tracer):
    called = threading.Event()
    tracer.close().add_done_callback(lambda future: future.result() and called.set())
    assert called.wait(10)


def test_await(tracer):
    async def main():
        assert await tracer.close() is True
        return await tracer.close()

    assert asyncio.run(main()) is True


def test_wait_for_and_gather(tracer):
    async def main():
        assert await asyncio.wait_for(tracer.close(), 10) is True
        return await asyncio.gather(tracer.close(), tracer.close())

    assert asyncio.run(main()) == [True, True]


def test_tornado_yield(tracer):
    @tornado.gen.coroutine
    def main():
        result = yield tracer.close()
        raise tornado.gen.Return(result)

    async def run():
        return await main()

    assert asyncio.run(run()) is True


def test_after_a_loop_has_ended(tracer):
    async def main():
        tracer.start_span("op").finish()

    asyncio.run(main())
    assert tracer.close().result(10) is True


def test_on_a_thread_without_a_loop(tracer):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: tracer.close().result(10)).result(20) is True


def test_it_may_be_ignored(tracer):
    tracer.close()


def test_who_stops_waiting_does_not_stop_the_closing():
    future = CloseFuture()

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(future, 0.01)

    asyncio.run(main())
    assert not future.cancelled()
    assert future.cancel() is False
    future.set_result(True)
    assert future.result(0) is True


def test_an_accident_is_told():
    future = CloseFuture()
    future.set_exception(KeyError("k"))
    with pytest.raises(KeyError):
        future.result(1)


@pytest.mark.parametrize("accident", [None, KeyError("k")])
def test_under_gevent_waiting_ends_too(monkeypatch, accident):
    """Its threads cannot be woken by real ones, so they look again and again."""
    monkeypatch.setattr("jaeger_like._native.patched_by", lambda: "gevent")
    future = CloseFuture()
    for timeout in (0, 0.01):
        with pytest.raises(concurrent.futures.TimeoutError):
            future.result(timeout)
    resolve = (lambda: future.set_exception(accident)) if accident else (lambda: future.set_result(5))  # fmt: skip  # noqa: E501  a line for each
    timer = threading.Timer(0.01, resolve)
    timer.start()
    if accident:
        with pytest.raises(KeyError):
            future.result()
    else:
        assert future.result(10) == 5
    timer.join()


def test_all_of_futures_of_every_kind():
    async def main():
        loop = asyncio.get_running_loop()
        own, other = loop.create_future(), concurrent.futures.Future()
        combined = all_of([own, other, resolved(True), None])
        assert not combined.done()
        own.set_result(True)
        other.set_result(True)
        return await combined

    assert asyncio.run(main()) is True
    assert all_of([]).result(0) is True

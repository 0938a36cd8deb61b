"""The active span follows threads, tasks and whatever else runs."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from opentracing import Scope

from .support import new_tracer


@pytest.fixture
def tracer():
    return new_tracer()


def names(tracer):
    return [span.operation_name for span in tracer.reporter.get_spans()]


def test_the_active_span_is_the_parent(tracer):
    assert tracer.active_span is None
    with tracer.start_active_span("a") as a:
        assert isinstance(a, Scope)
        assert a.manager is tracer.scope_manager
        assert tracer.active_span is a.span
        assert tracer.scope_manager.active is a
        with tracer.start_active_span("b") as b:
            assert b.span.parent_id == a.span.span_id
            assert tracer.active_span is b.span
        assert tracer.active_span is a.span
    assert tracer.active_span is None
    assert names(tracer) == ["b", "a"]


def test_finish_on_close(tracer):
    with tracer.start_active_span("a", finish_on_close=False) as scope:
        pass
    assert not scope.span.finished
    span = tracer.start_span("b")
    with tracer.scope_manager.activate(span, True):
        pass
    assert span.finished


def test_an_exception_is_recorded_though_the_span_goes_on(tracer):
    with pytest.raises(KeyError), tracer.start_active_span("a", finish_on_close=False) as scope:
        raise KeyError
    assert len(scope.span.logs) == 1
    assert not scope.span.finished


def test_closing_twice(tracer, caplog):
    scope = tracer.start_active_span("a")
    scope.close()
    scope.close()
    assert names(tracer) == ["a"]
    assert caplog.records == []


def test_closing_in_a_copied_context_as_well(tracer, caplog):
    scope = tracer.start_active_span("a")
    context = contextvars.copy_context()
    scope.close()
    context.run(scope.close)
    assert context.run(lambda: tracer.active_span) is None
    assert names(tracer) == ["a"]
    assert caplog.records == []


def test_two_tracers_do_not_share_an_active_span(tracer):
    other = new_tracer()
    with tracer.start_active_span("a"):
        assert other.active_span is None
        with other.start_active_span("b") as b:
            assert b.span.parent_id is None
            assert tracer.active_span.operation_name == "a"


def test_threads_begin_without_an_active_span(tracer):
    seen = []
    with tracer.start_active_span("a"):
        thread = threading.Thread(target=lambda: seen.append(tracer.active_span))
        thread.start()
        thread.join()
    assert seen == [None]


def test_a_copied_context_carries_the_active_span(tracer):
    with tracer.start_active_span("a") as scope:
        context = contextvars.copy_context()
    assert tracer.active_span is None
    assert context.run(lambda: tracer.active_span) is scope.span


# -- wrong order -----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
def test_no_order_of_closing_loses_a_span(tracer, order):
    scopes = {name: tracer.start_active_span(name) for name in "abc"}
    for name in order:
        scopes[name].close()
    assert sorted(names(tracer)) == ["a", "b", "c"]
    assert tracer.active_span is None


def test_an_outer_scope_that_is_closed_first_waits_for_the_inner_one(tracer):
    outer, inner = tracer.start_active_span("outer"), tracer.start_active_span("inner")
    outer.close()
    assert tracer.scope_manager.active is inner
    assert not outer.span.finished
    inner.close()
    assert names(tracer) == ["inner", "outer"]


def test_a_scope_is_closed_on_another_thread(tracer):
    scope = tracer.start_active_span("a")
    thread = threading.Thread(target=scope.close)
    thread.start()
    thread.join()
    assert names(tracer) == ["a"]
    scope.close()
    assert names(tracer) == ["a"]
    assert tracer.active_span is None


# -- generators ------------------------------------------------------------------------------------


def numbers(tracer):
    with tracer.start_active_span("generator"):
        yield from range(3)


def test_a_generator_that_is_left_early(tracer):
    with tracer.start_active_span("outer"):
        generator = numbers(tracer)
        next(generator)
        generator.close()
        assert tracer.active_span.operation_name == "outer"
    assert names(tracer) == ["generator", "outer"]


def test_a_generator_that_outlives_the_scope_around_it(tracer):
    generator = numbers(tracer)
    with tracer.start_active_span("outer"):
        next(generator)
    generator.close()
    assert sorted(names(tracer)) == ["generator", "outer"]
    assert tracer.active_span is None


def test_a_generator_closed_in_another_context(tracer):
    generator = numbers(tracer)
    contextvars.copy_context().run(next, generator)
    generator.close()
    assert names(tracer) == ["generator"]
    assert tracer.active_span is None


def test_an_async_generator_finalised_by_the_loop(tracer):
    async def numbers():
        with tracer.start_active_span("generator"):
            for number in range(3):
                yield number

    async def main():
        async for _ in numbers():
            break

    asyncio.run(main())
    assert names(tracer) == ["generator"]


# -- tasks -----------------------------------------------------------------------------------------


def test_a_thousand_tasks_at_once(tracer):
    async def work(number, all_started, count):
        with tracer.start_active_span(f"task {number}") as outer:
            count.append(number)
            if len(count) == 1000:
                all_started.set()
            await all_started.wait()
            with tracer.start_active_span(f"inner {number}") as inner:
                await asyncio.sleep(0)
                tracer.start_span(f"leaf {number}").finish()
                assert tracer.active_span is inner.span
            assert tracer.active_span is outer.span

    async def main():
        all_started, count = asyncio.Event(), []
        with tracer.start_active_span("root"):
            await asyncio.gather(*(work(n, all_started, count) for n in range(1000)))

    asyncio.run(main())
    spans = tracer.reporter.get_spans()
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans) == 3001
    for span in spans:
        kind, _, number = span.operation_name.partition(" ")
        if kind != "root":
            expected = {"task": "root", "inner": f"task {number}", "leaf": f"inner {number}"}[kind]
            assert by_id[span.parent_id].operation_name == expected


def test_a_task_inherits_the_active_span_and_keeps_it(tracer):
    async def child(go):
        await go.wait()
        tracer.start_span("late").finish()

    async def main():
        go = asyncio.Event()
        with tracer.start_active_span("root") as scope:
            task = asyncio.ensure_future(child(go))
            await asyncio.sleep(0)
        go.set()
        await task
        return scope.span

    root = asyncio.run(main())
    late = tracer.reporter.get_spans()[1]
    assert late.parent_id == root.span_id


def test_threads_of_an_executor_get_the_context_when_asked(tracer):
    async def main():
        with tracer.start_active_span("root") as scope:
            context = contextvars.copy_context()
            loop = asyncio.get_running_loop()
            span = await loop.run_in_executor(None, context.run, tracer.start_span, "child")
            return scope.span, span

    root, child = asyncio.run(main())
    assert child.parent_id == root.span_id


# -- managers of opentracing -----------------------------------------------------------------------


def nested(tracer):
    with tracer.start_active_span("outer") as outer:
        assert tracer.active_span is outer.span
        with tracer.start_active_span("inner") as inner:
            assert inner.span.parent_id == outer.span.span_id
    assert tracer.active_span is None
    assert names(tracer) == ["inner", "outer"]


def test_thread_local_manager():
    from opentracing.scope_managers import ThreadLocalScopeManager

    nested(new_tracer(scope_manager=ThreadLocalScopeManager()))


def test_contextvars_manager():
    from opentracing.scope_managers.contextvars import ContextVarsScopeManager

    nested(new_tracer(scope_manager=ContextVarsScopeManager()))


def test_asyncio_manager():
    from opentracing.scope_managers.asyncio import AsyncioScopeManager

    async def main():
        nested(new_tracer(scope_manager=AsyncioScopeManager()))

    asyncio.run(main())


@pytest.mark.filterwarnings("default")  # gevent warns on its own import
def test_gevent_manager():
    gevent = pytest.importorskip("gevent")
    from opentracing.scope_managers.gevent import GeventScopeManager

    tracer = new_tracer(scope_manager=GeventScopeManager())
    gevent.spawn(nested, tracer).get()
    # Ours needs no manager of that kind: greenlets have contexts of their own.
    gevent.spawn(nested, new_tracer()).get()


def test_tornado_coroutines_need_no_manager():
    """opentracing's one needs ``tornado.stack_context``, which tornado 6 no longer has."""
    import tornado.gen

    tracer = new_tracer()

    @tornado.gen.coroutine
    def inner():
        with tracer.start_active_span("inner"):
            yield tornado.gen.moment

    async def main():
        with tracer.start_active_span("outer") as outer:
            await inner()
            assert tracer.active_span is outer.span

    asyncio.run(main())
    inner_span, outer_span = tracer.reporter.get_spans()
    assert inner_span.parent_id == outer_span.span_id

"""The tracers that a Config makes, the global one, and what that costs a process."""

import _socket
import json
import logging
import math
import socket
import subprocess
import sys
import threading

import opentracing
import pytest
from opentracing import Format
from opentracing.scope_managers import ThreadLocalScopeManager

from jaeger_like import config as config_module
from jaeger_like.config import Config
from jaeger_like.errors import ConfigError
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.noop import NoopTracer
from jaeger_like.reporter import (
    CompositeReporter,
    InMemoryReporter,
    LoggingReporter,
    NullReporter,
    Reporter,
)
from jaeger_like.sampler import (
    ConstSampler,
    ProbabilisticSampler,
    RemoteControlledSampler,
)
from jaeger_like.throttler import RemoteThrottler
from jaeger_like.tracer import Tracer
from tests.test_http_sender import Server, run

from .support import config

# -- tracers -------------------------------------------------------------------------------------


def test_create_tracer_hands_everything_on():
    scope_manager = ThreadLocalScopeManager()
    made = config(
        {
            "tags": {"a": "b"},
            "max_tag_value_length": 5,
            "max_traceback_length": 6,
            "trace_id_header": "x-id",
            "baggage_header_prefix": "x-bag-",
            "debug_id_header": "x-debug",
            "generate_128bit_trace_id": True,
        },
        scope_manager=scope_manager,
    )
    reporter, sampler = InMemoryReporter(), ConstSampler(True)
    tracer = made.create_tracer(reporter, sampler)
    assert (tracer.service_name, tracer.reporter, tracer.sampler) == ("svc", reporter, sampler)
    assert tracer.scope_manager is scope_manager
    assert tracer.tags["a"] == "b"
    assert (tracer.max_tag_value_length, tracer.max_traceback_length) == (5, 6)
    assert tracer.max_trace_id_bits == 128
    assert tracer.throttler is None
    carrier = {}
    with tracer.start_span("x") as span:
        span.set_baggage_item("k", "v")
        tracer.inject(span, Format.TEXT_MAP, carrier)
    assert set(carrier) == {"x-id", "x-bag-k"}
    tracer.start_span("y", child_of=tracer.extract(Format.TEXT_MAP, {"x-debug": "id"})).finish()
    tags = {tag.key: tag.vStr for tag in reporter.get_spans()[1].tags}
    assert tags["x-debug"] == "id"


def test_a_new_tracer_talks_to_the_agent(new_tracer, caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    tracer = new_tracer()
    assert type(tracer) is Tracer
    assert type(tracer.reporter) is Reporter
    assert type(tracer.sampler) is RemoteControlledSampler
    assert tracer.throttler is None
    assert "Initializing Jaeger Tracer with UDP reporter" in caplog.messages
    assert any(message.startswith("Using sampler ") for message in caplog.messages)


def test_spans_arrive_at_the_configured_port(new_tracer):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(10)
        tracer = new_tracer(
            {
                "sampler": {"type": "const", "param": 1},
                "local_agent": {
                    "reporting_host": "127.0.0.1",
                    "reporting_port": agent.getsockname()[1],
                },
                "reporter_flush_interval": 0.01,
            }
        )
        tracer.start_span("hello-operation").finish()
        assert b"hello-operation" in agent.recv(65536)


@pytest.mark.parametrize(
    ("settings", "capacity", "batch", "interval"),
    [
        ({}, None, None, 1),
        ({"reporter_batch_size": 5, "reporter_queue_size": 50}, 50, 5, 1),
        ({"reporter_flush_interval": 0}, None, None, 0),
        ({"reporter_flush_interval": None}, None, None, None),
    ],
)
def test_an_unset_size_is_the_reporters_own_default(
    new_tracer, settings, capacity, batch, interval
):
    default = Reporter(NoopChannel()).queue_capacity
    reporter = new_tracer(settings).reporter
    assert reporter.queue_capacity == (capacity or default)
    assert reporter.batch_size == batch
    assert reporter.flush_interval == interval


class NoopChannel:
    io_loop = None

    def write(self, _):
        pass

    flush = write


def test_logging_adds_a_reporter(new_tracer, caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        address = {"reporting_host": "127.0.0.1", "reporting_port": agent.getsockname()[1]}
        tracer = new_tracer(
            {"logging": True, "sampler": ConstSampler(True), "local_agent": address}
        )
        assert type(tracer.reporter) is CompositeReporter
        tracer.start_span("x").finish()
        tracer.close().result(5)
    assert any(message.startswith("Reporting span ") for message in caplog.messages)


def test_a_throttler_is_made_when_there_is_a_group(new_tracer):
    throttler = new_tracer({"throttler": {"refresh_interval": 3}}).throttler
    assert type(throttler) is RemoteThrottler
    assert throttler.refresh_interval == 3


def test_remote_sampler_gets_its_settings(new_tracer):
    sampler = new_tracer(
        {
            "sampler": {"type": "remote", "param": 0.25},
            "sampling_refresh_interval": 7,
            "max_operations": 8,
        }
    ).sampler
    assert sampler.sampler == ProbabilisticSampler(0.25)
    assert sampler.sampling_refresh_interval == 7
    assert sampler.max_operations == 8


@pytest.mark.parametrize("interval", [0, None])
def test_a_sampling_interval_of_nothing_is_the_default(new_tracer, interval):
    sampler = new_tracer({"sampling_refresh_interval": interval}).sampler
    assert sampler.sampling_refresh_interval == 60


def test_without_an_agent_spans_are_dropped_and_sampling_is_local(new_tracer):
    """Defect of the old client: local_agent.enabled was ignored."""
    tracer = new_tracer({"local_agent": {"enabled": False}, "throttler": {}})
    assert type(tracer.reporter) is NullReporter
    assert tracer.sampler == ProbabilisticSampler(0.001)
    assert tracer.throttler is None


def test_without_an_agent_spans_may_still_be_logged(new_tracer):
    tracer = new_tracer({"local_agent": {"enabled": False}, "logging": True})
    assert [type(part) for part in tracer.reporter.reporters] == [NullReporter, LoggingReporter]


def test_the_agents_socket_and_how_often_it_is_looked_for(new_tracer, monkeypatch):
    def sender(settings=None):
        found = new_tracer(settings).reporter.agent.sender
        return found._family, found._resolve_interval

    assert sender() == (_socket.AF_UNSPEC, 30.0)
    monkeypatch.setenv("JAEGER_AGENT_SOCKET_TYPE", "udp6")
    monkeypatch.setenv("JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL", "1m")
    assert sender() == (_socket.AF_INET6, 60.0)
    own = {"local_agent": {"socket_type": "udp4", "reconnect_interval": 5}}
    assert sender(own) == (_socket.AF_INET, 5.0)
    monkeypatch.setenv("JAEGER_REPORTER_ATTEMPT_RECONNECTING_DISABLED", "true")
    assert sender(own) == (_socket.AF_INET, math.inf)
    own["local_agent"]["reconnect"] = True
    assert sender(own) == (_socket.AF_INET, 5.0)


def test_an_endpoint_that_nothing_here_can_speak_to(new_tracer, monkeypatch, caplog):
    """By the configuration it is an error, by the environment a warning, and the agent's turn."""
    needed = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
    monkeypatch.setitem(sys.modules, needed, None)
    url = "http://u:s3cr3t@h:4318/v1/traces?key=s3cr3t"
    with pytest.raises(ConfigError, match=r"endpoint: .*jaeger-like\[otlp\]") as caught:
        new_tracer({"endpoint": url})
    monkeypatch.setenv("JAEGER_ENDPOINT", url)
    tracer = new_tracer()
    assert type(tracer.reporter.agent) is LocalAgentSender
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("JAEGER_ENDPOINT: ")
    assert "jaeger-like[otlp]" in warning
    assert "s3cr3t" not in warning + str(caught.value)


def test_an_endpoint_takes_the_place_of_udp(caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")

    async def main():
        server = Server(202)
        try:
            tracer = config(
                {
                    "sampler": ConstSampler(True),
                    "endpoint": server.url + "/api/traces",
                    "user": "u",
                    "password": "p",
                    "headers": {"X-Tenant": "t"},
                }
            ).new_tracer()
            tracer.start_span("hello-operation").finish()
            await tracer.close()
            return server.requests
        finally:
            await server.stop()

    (posted,) = run(main())
    assert b"hello-operation" in posted.body
    assert posted.headers["Authorization"].startswith("Basic ")
    assert posted.headers["X-Tenant"] == "t"
    assert "Initializing Jaeger Tracer with HTTP reporter" in caplog.messages


def test_a_sampling_endpoint_is_asked_even_without_an_agent():
    strategy = {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 0.75}}
    asked = threading.Event()

    async def main():
        def answer(handler):
            handler.finish(json.dumps(strategy))
            asked.set()

        server = Server(answer)
        import asyncio

        try:
            tracer = config(
                {
                    "local_agent": {"enabled": False},
                    "sampling_endpoint": server.url + "/s",
                    "sampling_refresh_interval": 0.01,
                }
            ).new_tracer()
            tracer.start_span("x").finish()
            while tracer.sampler.sampler != ProbabilisticSampler(0.75):
                await asyncio.get_running_loop().run_in_executor(None, asked.wait, 1)
                await asyncio.sleep(0)
            await tracer.close()
            return server.requests[0].uri
        finally:
            await server.stop()

    assert run(main()) == "/s?service=svc"


@pytest.mark.parametrize("settings", [{"enabled": False}, {"enabled": "0"}])
def test_disabled_tracing_makes_a_tracer_that_does_nothing(settings):
    """Defect of the old client: enabled was ignored."""
    assert isinstance(config(settings).new_tracer(), NoopTracer)


# -- the global tracer ----------------------------------------------------------------------------


@pytest.mark.usefixtures("_global_tracer")
def test_initialize_tracer_sets_the_global_tracer_once(caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    assert not Config.initialized()
    tracer = config({"local_agent": {"enabled": False}}).initialize_tracer()
    assert opentracing.tracer is tracer
    assert opentracing.global_tracer() is tracer
    assert Config.initialized()
    assert f"opentracing.tracer initialized to {tracer}[app_name=svc]" in caplog.messages
    assert config().initialize_tracer() is None
    assert caplog.messages[-1] == "Jaeger tracer already initialized, skipping"
    assert opentracing.tracer is tracer
    tracer.close().result(5)


@pytest.mark.usefixtures("_global_tracer")
def test_a_failing_first_call_does_not_count():
    """Defect of the old client: later calls said that it was initialized."""
    with pytest.raises(ConfigError):
        config({"sampler": {"type": "nonsense"}}).initialize_tracer()
    assert not Config.initialized()
    assert config({"enabled": False}).initialize_tracer() is not None


@pytest.mark.usefixtures("_global_tracer")
def test_of_many_threads_one_initializes():
    barrier = threading.Barrier(8)
    made = []

    def initialize():
        barrier.wait(10)
        made.append(config({"enabled": False}).initialize_tracer())

    threads = [threading.Thread(target=initialize) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len([tracer for tracer in made if tracer is not None]) == 1


# -- processes ------------------------------------------------------------------------------------


def in_a_process(code):
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_config_imports_nothing_heavy():
    code = (
        "import sys, threading, jaeger_like.config\n"
        "heavy = {'tornado', 'thrift', 'threadloop', 'asyncio', 'ssl', 'http.client', 'email'}\n"
        "print(heavy & set(sys.modules), threading.active_count())"
    )
    assert in_a_process(code) == "set() 1\n"


def test_a_lock_held_at_a_fork_is_free_in_the_child():
    code = (
        "import os\n"
        "from jaeger_like.config import Config\n"
        "with Config._initialized_lock:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        import signal; signal.alarm(10)\n"
        "        import threading\n"
        "        def other():\n"
        "            with Config._initialized_lock: os._exit(0)\n"
        "        threading.Thread(target=other).start()\n"
        "        signal.pause()\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    in_a_process(code)


def test_the_lock_is_made_late_and_is_reentrant():
    lock = config_module.LateLock()
    assert lock._made == {}
    with lock, lock:
        lock._after_fork()  # as in a child that was forked inside of it


def test_what_a_subclass_says_holds_for_all_parts(monkeypatch):
    class Ours(Config):
        reporter_batch_size = property(lambda self: 3)
        reporter_queue_size = property(lambda self: 77)
        reporter_flush_interval = property(lambda self: 0.5)
        logging = property(lambda self: True)
        tags = property(lambda self: {"team": "ours"})
        max_tag_value_length = property(lambda self: 7)
        sampler = property(lambda self: ConstSampler(True))

    tracer = Ours({}, service_name="svc").new_tracer()
    sender, logger = tracer.reporter.reporters
    assert (sender.batch_size, sender.queue_capacity, sender.flush_interval) == (3, 77, 0.5)
    assert isinstance(logger, LoggingReporter)
    assert tracer.sampler == ConstSampler(True)
    assert tracer.tags["team"] == "ours"
    assert tracer.max_tag_value_length == 7

    monkeypatch.setattr(Config, "sampler", None)  # the backend is asked
    monkeypatch.setattr(Config, "enabled", False)
    assert isinstance(Config({}, service_name="svc").new_tracer(), NoopTracer)
    monkeypatch.setattr(Config, "enabled", True)
    tracer.close().result(10)
    tracer = Config({}, service_name="svc").new_tracer()
    assert isinstance(tracer.sampler, RemoteControlledSampler)
    tracer.close().result(10)

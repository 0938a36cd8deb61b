"""The package stands in for ``jaeger_client`` under that name."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap

import pytest

from ..test_public_api import NAMES


def run(program, *paths):
    """Run a program in an interpreter of its own; return what it printed."""
    start = f"import sys; sys.path[:0] = {list(map(str, paths))!r}\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + textwrap.dedent(program)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_name_can_be_imported_from_the_old_package():
    lines = []
    for module, names in NAMES.items():
        old = f"jaeger_client.{module}".rstrip(".")
        lines += [f"from {old} import {name}" for name in names.split()]
    assert len(lines) > 100
    run(
        "from jaeger_like import install_as_jaeger_client\ninstall_as_jaeger_client()\n"
        + "\n".join(lines)
    )


def test_both_names_mean_the_same_objects():
    run(
        """
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        import jaeger_client, jaeger_client.metrics.prometheus
        from jaeger_client import Config, thrift_gen
        from jaeger_client.reporter import InMemoryReporter
        from jaeger_client.thrift_gen.jaeger.ttypes import Span
        import jaeger_like.reporter, jaeger_like.metrics.prometheus
        import jaeger_like.thrift_gen.jaeger.ttypes
        assert jaeger_client is jaeger_like
        assert jaeger_client.metrics.prometheus is jaeger_like.metrics.prometheus
        assert Config is jaeger_like.Config
        assert InMemoryReporter is jaeger_like.reporter.InMemoryReporter
        assert Span is jaeger_like.thrift_gen.jaeger.ttypes.Span
        """
    )


@pytest.mark.parametrize("module", ["reporter", "local_agent_net", "thrift"])
def test_a_module_stays_what_it_was(module):
    run(
        f"""
        import importlib, jaeger_like
        jaeger_like.install_as_jaeger_client()
        ours = importlib.import_module("jaeger_like.{module}")
        before = (ours.__name__, ours.__spec__, ours.__loader__, ours.__package__)
        assert importlib.import_module("jaeger_client.{module}") is ours
        assert before == (ours.__name__, ours.__spec__, ours.__loader__, ours.__package__)
        assert ours.__spec__.name == "jaeger_like.{module}"
        importlib.reload(ours)
        """
    )


def test_a_tracer_made_under_the_old_name_works():
    out = run(
        """
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        from jaeger_client import Config
        config = Config({"sampler": {"type": "const", "param": 1},
                         "local_agent": {"enabled": False}}, service_name="svc", validate=True)
        tracer = config.initialize_tracer()
        with tracer.start_active_span("op") as scope:
            print(type(scope.span).__module__, scope.span.operation_name)
        tracer.close().result(5)
        """
    )
    assert out == "jaeger_like.span op\n"


def test_a_second_call_does_nothing():
    run(
        """
        import sys, jaeger_like
        jaeger_like.install_as_jaeger_client()
        finders = list(sys.meta_path)
        import jaeger_client.config
        jaeger_like.install_as_jaeger_client()
        assert sys.meta_path == finders
        import jaeger_client.sampler
        """
    )


def test_a_module_that_does_not_exist_is_missing_as_ever():
    out = run(
        """
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        for name in ("jaeger_client.nothing", "jaeger_client.metrics.nothing", "jaeger_clients"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error.name)
        """
    )
    assert out.split() == [
        "jaeger_client.nothing",
        "jaeger_client.metrics.nothing",
        "jaeger_clients",
    ]


def test_what_a_module_misses_is_named(tmp_path):
    out = run(
        """
        import sys, jaeger_like
        jaeger_like.install_as_jaeger_client()
        sys.modules["thrift"] = None
        try:
            import jaeger_client.TUDPTransport
        except ModuleNotFoundError as error:
            print(error.name)
        """
    )
    assert out == "thrift\n" or out.startswith("thrift.")


@pytest.fixture
def installed(tmp_path):
    package = tmp_path / "jaeger_client"
    package.mkdir()
    (package / "__init__.py").write_text("real = True\n")
    (package / "reporter.py").write_text("real = True\n")
    (package / "extra.py").write_text("real = True\n")
    return tmp_path


def test_the_real_one_imported_before_is_an_error_that_says_so(installed):
    out = run(
        """
        import jaeger_client, jaeger_like, sys
        before = list(sys.meta_path)
        try:
            jaeger_like.install_as_jaeger_client()
        except RuntimeError as error:
            print(error)
        assert sys.meta_path == before and jaeger_client.real
        """,
        installed,
    )
    assert out.startswith(f"jaeger_client is already imported, from {installed}")
    assert "before anything imports jaeger_client" in out


def test_the_real_one_installed_but_not_imported_is_not_seen(installed):
    run(
        """
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        import jaeger_client.reporter
        assert jaeger_client is jaeger_like
        assert not hasattr(jaeger_client.reporter, "real")
        try:
            import jaeger_client.extra
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError
        """,
        installed,
    )


# scripts/drop_in.sh installs them into an environment of their own: they pin old versions of what
# the other tests want new. It names those that must be there.
DEMANDED = os.environ.get("JAEGER_LIKE_DROP_IN", "").split()


def needs(*modules):
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    assert not set(missing) & set(DEMANDED), missing
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@needs("jaeger_logger_reporter")
def test_the_package_jaeger_logger_reporter_runs():
    """It derives from Config, Reporter and CompositeReporter, and reads tags and logs of spans."""
    out = run(
        """
        import warnings; warnings.simplefilter("ignore")
        import logging, sys
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        from jaeger_logger_reporter import LoggerTraceConfig, LoggerTracerReporter
        logger = logging.getLogger("out")
        logger.setLevel(logging.DEBUG)
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(event)s %(message)s"))
        logger.addHandler(handler)
        config = LoggerTraceConfig(
            config={"sampler": {"type": "const", "param": 1}, "logging": True},
            service_name="svc", validate=True)
        tracer = config.initialize_tracer(logger_reporter=LoggerTracerReporter(logger=logger))
        with tracer.start_active_span("op", tags={"mine": 5}) as scope:
            scope.span.log_kv({"event": "told", "payload": "x"})
        tracer.close()
        """
    )
    assert "STARTED" in out
    assert "mine" in out
    assert "told" in out
    assert "FINISHED" in out


@needs("py_jaeger_tracing", "requests")
def test_the_package_py_jaeger_tracing_runs():
    """It sets Config._initialized, injects and extracts, and keeps spans in lists of its own."""
    out = run(
        """
        import warnings; warnings.simplefilter("ignore")
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        from py_jaeger_tracing.main import TracingStarter
        from py_jaeger_tracing.global_variables import TracingEnvironment
        from py_jaeger_tracing.injectors.dictionary import TracingDictInjector
        from py_jaeger_tracing.extractors.dictionary import TracingDictExtractor
        from jaeger_client.reporter import InMemoryReporter
        TracingStarter.initialize("svc")
        tracer = TracingEnvironment.tracer
        tracer.reporter = reporter = InMemoryReporter()
        carrier = {}
        TracingDictInjector("out").inject(carrier)
        TracingDictExtractor("in").extract(carrier)
        first, second = reporter.get_spans()
        assert second.trace_id == first.trace_id and second.parent_id == first.span_id
        print(*carrier, first.operation_name, second.operation_name)
        """
    )
    assert out.splitlines()[-1] == "uber-trace-id out in"


def test_modules_that_reporters_are_written_with_come_with_the_reporter():
    out = run(
        """
        import sys, jaeger_like
        jaeger_like.install_as_jaeger_client()
        import jaeger_client.reporter
        assert "thrift" not in sys.modules
        from jaeger_client.reporter import Agent, TCompactProtocol, thrift
        print(Agent.Client.__name__, TCompactProtocol.TCompactProtocol.__name__)
        assert thrift.make_jaeger_batch
        try:
            jaeger_client.reporter.nothing
        except AttributeError as error:
            print(error)
        """
    )
    assert out == (
        "Client TCompactProtocol\nmodule 'jaeger_like.reporter' has no attribute 'nothing'\n"
    )


@needs("flask_jaeger", "flask")  # flask below 2.3
def test_the_package_flask_jaeger_runs():
    """It reads contexts with the codecs' functions, and starts spans at given times."""
    out = run(
        """
        import warnings; warnings.simplefilter("ignore")
        import time
        import flask
        assert hasattr(flask, "_app_ctx_stack"), "this flask is too new for flask_jaeger"
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        from flask_jaeger.src import FlaskJaeger
        from jaeger_client.reporter import InMemoryReporter
        app = flask.Flask("app")
        traced = FlaskJaeger(app)
        traced.tracer.reporter = reporter = InMemoryReporter()

        @app.route("/", methods=["POST"])
        def index():
            traced.trace_info("work", {"a": 1}, time.time(), time.time())
            return "ok"

        response = app.test_client().post("/", json={})
        (span,) = reporter.get_spans()
        header = response.headers["x-trace-id"]
        assert header.startswith(f"{span.trace_id:x}:{span.span_id:x}:"), header
        print(response.status, len(span.logs))
        """
    )
    assert out.startswith("200 OK 1")


@needs("rust_python_jaeger_reporter")
def test_the_package_rust_python_jaeger_reporter_runs():
    """It reads the attributes of spans from Rust, and writes Thrift itself."""
    out = run(
        """
        import socket
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        from jaeger_client import Config
        from jaeger_client.thrift_gen.agent import Agent
        from rust_python_jaeger_reporter import Reporter
        from thrift.protocol.TCompactProtocol import TCompactProtocol
        from thrift.transport.TTransport import TMemoryBuffer
        agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(20)
        config = Config({"sampler": {"type": "const", "param": 1}, "tags": {"p": "q"}}, None, "svc")
        reporter = Reporter(
            config={"agent_host_name": "127.0.0.1", "agent_port": agent.getsockname()[1]})
        tracer = config.create_tracer(reporter, config.sampler)
        with tracer.start_active_span("parent", tags={"a": 1, "b": "x", "c": True, "d": 1.5}) as p:
            p.span.log_kv({"event": "told", "n": 1})
            with tracer.start_active_span("child") as c:
                pass
        for number in range(200):  # it sends what fills a packet
            tracer.start_span(str(number)).finish()
        protocol = TCompactProtocol(TMemoryBuffer(agent.recv(65536)))
        protocol.readMessageBegin()
        arguments = Agent.emitBatch_args()
        arguments.read(protocol)
        batch = arguments.batch
        assert batch.process.serviceName == "svc"
        assert "q" in [tag.vStr for tag in batch.process.tags]
        child, parent = batch.spans[:2]
        assert (parent.traceIdLow, parent.spanId) == tuple(
            number - (number >> 63 << 64) for number in (p.span.trace_id, p.span.span_id))
        assert child.parentSpanId == parent.spanId and child.traceIdLow == parent.traceIdLow
        assert parent.startTime == int(p.span.start_time * 1e6), parent
        assert parent.duration >= child.duration > 0
        tags = {tag.key: (tag.vStr, tag.vLong, tag.vBool, tag.vDouble) for tag in parent.tags}
        assert tags["a"][1] == 1 and tags["b"][0] == "x" and tags["c"][2] and tags["d"][3] == 1.5
        (log,) = parent.logs
        print(parent.operationName, child.operationName, [field.vStr for field in log.fields])
        """
    )
    assert out.startswith("parent child ['told', ")


@needs("jaegertrace", "django", "requests")
def test_the_package_django_jaeger_middleware_plus_runs():
    """It makes the tracer in a middleware, with headers of its own, and traces queries."""
    out = run(
        """
        import warnings; warnings.simplefilter("ignore")
        import jaeger_like
        jaeger_like.install_as_jaeger_client()
        import django
        from django.conf import settings
        from django.http import HttpResponse
        from django.urls import path
        import sys

        def index(request):
            from django.db import connection
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return HttpResponse("ok")

        urlpatterns = [path("a/", index)]
        settings.configure(
            ROOT_URLCONF=sys.modules["__main__"], TRACING_SERVICE_NAME="svc", ALLOWED_HOSTS=["*"],
            INSTALLED_APPS=["jaegertrace.apps.LoggerConfig"],
            MIDDLEWARE=["jaegertrace.middleware.TraceMiddleware"],
            TRACING_CONFIG={"redis": {"enabled": False}, "celery": {"enabled": False}},
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
        django.setup()
        from django.test import Client
        client = Client()
        import opentracing
        from jaeger_client.reporter import InMemoryReporter
        from jaegertrace.initial_tracer import initialize_global_tracer
        tracer = initialize_global_tracer()
        tracer.reporter = reporter = InMemoryReporter()
        response = client.get("/a/", HTTP_TRACE_ID="64:c8:0:1")
        query, request = reporter.get_spans()
        assert response["trace-id"] == "100" and request.trace_id == 0x64
        assert request.parent_id == 0xc8 and query.parent_id == request.span_id
        print(response.status_code, request.operation_name, query.operation_name)
        """
    )
    assert out.splitlines()[-1] == "200 GET /a/ DB_QUERY"

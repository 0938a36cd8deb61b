"""Strategies and credits over real sockets, from servers as different as backends are."""

import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.sampler import RemoteControlledSampler
from jaeger_like.throttler import RemoteThrottler

from .fakes import RecordingErrors, RecordingMetrics


class Backend(http.server.ThreadingHTTPServer):
    """Gives one answer to all, and keeps the questions."""

    daemon_threads = True

    def __init__(self):
        self.status, self.body, self.questions = 200, b"{}", []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        self.server.questions.append((url.path, parse_qs(url.query)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def backend():
    with Backend() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def channel(backend):
    port = backend.server_address[1]
    return LocalAgentSender("127.0.0.1", port, 6831, throttling_port=port)


def poll(backend, expected, made=RemoteControlledSampler):
    """Let a sampler ask once, and return its text and its errors."""
    metrics, errors = RecordingMetrics(), RecordingErrors()
    sampler = made(
        channel(backend),
        "my svc",
        metrics_factory=metrics,
        error_reporter=errors,
        random=lambda: 0.0,
    )
    try:
        sampler.is_sampled(1, "op")
        assert metrics.wait_for(expected)
    finally:
        sampler.close()
    return str(sampler.sampler), errors.messages


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            {"strategyType": 0, "probabilisticSampling": {"samplingRate": 1}},  # Jaeger 2.0
            "ProbabilisticSampler(1)",
        ),
        (
            {"strategyType": "RATE_LIMITING", "rateLimitingSampling": {"maxTracesPerSecond": 7}},
            "RateLimitingSampler(7)",
        ),
        (
            {
                "strategyType": "PROBABILISTIC",
                "operationSampling": {
                    "defaultSamplingProbability": 0.5,
                    "defaultLowerBoundTracesPerSecond": 1,
                    "perOperationStrategies": None,
                },
            },
            "AdaptiveSampler(0.500000, 1.000000, 2000)",
        ),
    ],
)
def test_a_strategy_is_followed(backend, answer, text):
    backend.body = json.dumps(answer).encode()
    assert poll(backend, "sampler_updates.ok") == (text, [])
    assert backend.questions == [("/sampling", {"service": ["my svc"]})]


@pytest.mark.parametrize(
    ("status", "body", "count"),
    [
        (500, b"collector error: x", "sampler_queries.err"),
        (404, b"", "sampler_queries.err"),
        (200, b"", "sampler_queries.err"),
        (200, b"<html>", "sampler_queries.err"),
        (200, b"x" * 20_000_000, "sampler_queries.err"),
        (200, b"[]", "sampler_updates.err"),
    ],
)
def test_a_failure_leaves_the_sampler_and_is_reported(backend, status, body, count):
    backend.status, backend.body = status, body
    text, errors = poll(backend, count)
    assert text == "ProbabilisticSampler(0.001)"
    assert len(errors) == 1


def test_a_backend_that_is_not_there_is_a_failed_query(backend):
    backend.server_close()
    text, errors = poll(backend, "sampler_queries.err")
    assert text == "ProbabilisticSampler(0.001)"
    assert len(errors) == 1


def test_credits_are_asked_for_and_spent(backend):
    backend.body = b'{"balances":[{"operation":"a b","balance":1}]}'
    metrics = RecordingMetrics()
    throttler = RemoteThrottler(
        channel(backend), "my svc", metrics_factory=metrics, random=lambda: 0.0
    )
    throttler.set_client_id(9)
    try:
        assert not throttler.is_allowed("a b")
        assert metrics.wait_for("throttler_updates.ok")
        assert throttler.is_allowed("a b")
        assert not throttler.is_allowed("a b")
    finally:
        throttler.close()
    query = {"service": ["my svc"], "uuid": ["9"], "operations": ["a b"]}
    assert backend.questions == [("/credits", query)]

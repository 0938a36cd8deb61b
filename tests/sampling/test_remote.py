"""The sampler that the backend controls."""

import asyncio
import json
import logging

import pytest
from hypothesis import given
from tornado.ioloop import IOLoop

from jaeger_like.errors import ConfigError
from jaeger_like.metrics import Metrics
from jaeger_like.sampler import (
    AdaptiveSampler,
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
    RemoteControlledSampler,
    SamplerMetrics,
)

from .fakes import Broken, Channel, Clock, RecordingErrors, RecordingMetrics, done, in_child
from .test_strategy import ANSWER, JSON

HALF = {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 0.5}}
LIMIT = {"strategyType": "RATE_LIMITING", "rateLimitingSampling": {"maxTracesPerSecond": 4}}
PER_OPERATION = {
    "operationSampling": {
        "defaultSamplingProbability": 0.25,
        "defaultLowerBoundTracesPerSecond": 2,
        "perOperationStrategies": [
            {"operation": "op", "probabilisticSampling": {"samplingRate": 0.75}}
        ],
    }
}
OK, NO_QUERY, NO_UPDATE = "sampler_queries.ok", "sampler_queries.err", "sampler_updates.err"
UPDATED = "sampler_updates.ok"


class Remote:
    """A sampler with everything around it recorded; ``receive`` plays the backend."""

    def __init__(self, **kwargs):
        self.metrics = RecordingMetrics()
        self.errors = RecordingErrors()
        self.sampler = RemoteControlledSampler(
            Channel(), "svc", metrics_factory=self.metrics, error_reporter=self.errors, **kwargs
        )

    def receive(self, body):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        self.sampler._sampling_request_callback(done(body))
        return self.sampler.sampler

    @property
    def counts(self):
        return {key: number for key, number in self.metrics.counts.items() if number}


@pytest.fixture
def polling():
    """Make samplers that poll for real, at once, and close them."""
    made = []

    def make(channel, **kwargs):
        metrics = RecordingMetrics()
        kwargs.setdefault("random", lambda: 0.0)
        sampler = RemoteControlledSampler(channel, "svc", metrics_factory=metrics, **kwargs)
        made.append(sampler)
        return sampler, metrics

    yield make
    for sampler in made:
        sampler.close()


class TestBeforeTheFirstAnswer:
    def test_one_in_a_thousand_is_sampled(self):
        sampler = Remote().sampler
        sampler.close()
        decision, tags = sampler.is_sampled(1, "op")
        assert decision
        assert tags == {"sampler.type": "probabilistic", "sampler.param": 0.001}

    def test_or_what_the_initial_sampler_says(self):
        sampler = Remote(init_sampler=ConstSampler(True)).sampler
        sampler.close()
        assert sampler.is_sampled(2**64 - 1, "op")[0]


class TestConstruction:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("sampling_refresh_interval", 0),
            ("sampling_refresh_interval", -1),
            ("sampling_refresh_interval", "60"),
            ("max_operations", -1),
            ("max_operations", "x"),
        ],
    )
    def test_bad_settings_are_named(self, key, value):
        with pytest.raises(ConfigError, match=key):
            RemoteControlledSampler(Channel(), "svc", **{key: value})

    def test_unknown_settings_are_refused(self):
        with pytest.raises(TypeError, match="refresh"):
            RemoteControlledSampler(Channel(), "svc", refresh=5)

    def test_none_means_the_default(self):
        sampler = RemoteControlledSampler(
            Channel(), "svc", init_sampler=None, sampling_refresh_interval=None, logger=None,
            metrics=None, metrics_factory=None, error_reporter=None, max_operations=None,
        )  # fmt: skip
        assert sampler.sampling_refresh_interval == 60
        assert sampler.max_operations == 2000
        assert sampler.service_name == "svc"

    def test_every_counter_exists_from_the_start(self):
        metrics = RecordingMetrics()
        SamplerMetrics(metrics)
        assert sorted(metrics.made) == sorted([OK, NO_QUERY, UPDATED, NO_UPDATE])

    def test_the_old_kind_of_metrics_is_served(self):
        counted = []
        sampler = RemoteControlledSampler(
            Channel(), "svc", metrics=Metrics(count=lambda key, value: counted.append((key, value)))
        )
        sampler._sampling_request_callback(done(json.dumps(HALF)))
        assert counted == [
            ("jaeger:sampler_queries.result_ok", 1),
            ("jaeger:sampler_updates.result_ok", 1),
        ]


class TestAnswers:
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (HALF, "ProbabilisticSampler(0.5)"),
            (LIMIT, "RateLimitingSampler(4)"),
            (PER_OPERATION, "AdaptiveSampler(0.250000, 2.000000, 2000)"),
            (json.dumps(HALF), "ProbabilisticSampler(0.5)"),
        ],
    )
    def test_are_followed_and_counted(self, body, text):
        remote = Remote()
        assert str(remote.receive(body)) == text
        assert remote.counts == {OK: 1, UPDATED: 1}
        assert remote.errors.messages == []

    @pytest.mark.parametrize(
        ("kind", "text"), [(0, "ProbabilisticSampler(0.5)"), (1, "RateLimitingSampler(4)")]
    )
    def test_defect_integer_enum_of_jaeger_2_0_to_2_15(self, kind, text):
        remote = Remote()
        assert str(remote.receive({**HALF, **LIMIT, "strategyType": kind})) == text
        assert remote.counts == {OK: 1, UPDATED: 1}

    def test_defect_null_list_of_operations(self):
        answer = {
            "operationSampling": {"defaultSamplingProbability": 1, "perOperationStrategies": None}
        }
        assert isinstance(Remote().receive(answer), AdaptiveSampler)

    @pytest.mark.parametrize("body", [HALF, LIMIT])
    def test_nothing_new_keeps_the_sampler_and_counts_no_update(self, body):
        remote = Remote()
        first = remote.receive(body)
        assert remote.receive(body) is first
        assert remote.counts == {OK: 2, UPDATED: 1}

    def test_a_rate_limiter_keeps_its_balance_when_the_limit_changes(self):
        remote = Remote(clock=Clock())
        sampler = remote.receive(LIMIT)
        assert [sampler.is_sampled(1)[0] for _ in range(5)] == [True] * 4 + [False]
        changed = {"rateLimitingSampling": {"maxTracesPerSecond": 8}}
        assert remote.receive(changed) is sampler
        assert sampler.is_sampled(1) == (
            False,
            {"sampler.type": "ratelimiting", "sampler.param": 8},
        )
        assert remote.counts == {OK: 2, UPDATED: 2}

    def test_an_adaptive_sampler_is_updated_in_place_and_counted_each_time(self):
        remote = Remote(clock=Clock())
        sampler = remote.receive(PER_OPERATION)
        assert [sampler.is_sampled(2**64 - 1, "op")[0] for _ in range(3)] == [True, True, False]
        assert remote.receive(PER_OPERATION) is sampler
        assert not sampler.is_sampled(2**64 - 1, "op")[0]
        assert remote.counts == {OK: 2, UPDATED: 2}

    def test_one_kind_follows_another(self):
        remote = Remote()
        kinds = [type(remote.receive(body)) for body in (HALF, LIMIT, PER_OPERATION, LIMIT, HALF)]
        assert kinds == [
            ProbabilisticSampler,
            RateLimitingSampler,
            AdaptiveSampler,
            RateLimitingSampler,
            ProbabilisticSampler,
        ]

    def test_the_maximum_of_operations_is_handed_on(self):
        assert Remote(max_operations=7).receive(PER_OPERATION).max_operations == 7

    @pytest.mark.parametrize(
        ("initial", "body"),
        [
            (RateLimitingSampler(2), LIMIT),
            (AdaptiveSampler({}, 5), PER_OPERATION),
        ],
    )
    def test_the_initial_sampler_belongs_to_the_user_and_is_never_changed(self, initial, body):
        text = str(initial)
        found = Remote(init_sampler=initial).receive(body)
        assert found is not initial
        assert str(initial) == text

    def test_an_initial_sampler_that_is_right_stays(self):
        initial = RateLimitingSampler(4)
        remote = Remote(init_sampler=initial)
        assert remote.receive(LIMIT) is initial
        assert remote.counts == {OK: 1}

    def test_skipped_operations_are_told_once(self, caplog):
        remote = Remote()
        answer = {"operationSampling": {"perOperationStrategies": [5, {"operation": 5}]}}
        remote.receive(answer)
        remote.receive(answer)
        assert [record.getMessage() for record in caplog.records] == [
            "Ignoring 2 malformed operations in sampling strategy from jaeger-agent"
        ]


class TestFailures:
    @pytest.mark.parametrize(
        ("body", "count", "start"),
        [
            (OSError("down"), NO_QUERY, "Fail to get sampling strategy from jaeger-agent: down"),
            (b"", NO_QUERY, "Fail to parse sampling strategy from jaeger-agent: expected JSON"),
            (None, NO_QUERY, "Fail to parse sampling strategy from jaeger-agent: "),
            (b"not json", NO_QUERY, "Fail to parse sampling strategy from jaeger-agent: "),
            (b"[]", NO_UPDATE, "Fail to update samplerfrom jaeger-agent: "),
            (b"{}", NO_UPDATE, "Fail to update samplerfrom jaeger-agent: "),
            ({"strategyType": "NEW"}, NO_UPDATE, "Fail to update samplerfrom jaeger-agent: unk"),
            (
                {"probabilisticSampling": {"samplingRate": 1.5}},
                NO_UPDATE,
                "Fail to update samplerfrom jaeger-agent: samplingRate: expected",
            ),
            (
                {"rateLimitingSampling": {"maxTracesPerSecond": 500}},
                NO_UPDATE,
                "Fail to update samplerfrom jaeger-agent: maxTracesPerSecond: expected",
            ),
        ],
    )  # fmt: skip
    def test_leave_the_sampler_and_are_counted_and_reported(self, body, count, start):
        remote = Remote()
        before = remote.receive(LIMIT)
        assert remote.receive(body) is before
        assert remote.counts.pop(count) == 1
        (message,) = remote.errors.messages
        assert message.startswith(start)

    def test_a_failure_of_the_answer_object_is_a_failure_of_the_query(self):
        remote = Remote()
        remote.sampler._sampling_request_callback(object())
        assert remote.counts == {NO_QUERY: 1}

    def test_a_huge_body_is_not_logged_whole(self):
        remote = Remote()
        remote.receive(b"x" * 1_000_000)
        assert len(remote.errors.messages[0]) < 500

    def test_defect_silent_errors_the_first_is_logged_at_once_then_recovery(self, caplog):
        caplog.set_level(logging.INFO, "jaeger_tracing")
        sampler = RemoteControlledSampler(Channel(), "svc")
        for body in (OSError("down"), OSError("down"), json.dumps(HALF), json.dumps(HALF)):
            sampler._sampling_request_callback(done(body))
        assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
            ("ERROR", "Fail to get sampling strategy from jaeger-agent: down"),
            ("INFO", "Sampling strategies come from jaeger-agent again"),
        ]

    @pytest.mark.parametrize("body", [OSError("x"), b"", b"{}", json.dumps(HALF).encode()])
    def test_broken_metrics_and_reporters_of_users_do_no_harm(self, body):
        broken = Broken()
        sampler = RemoteControlledSampler(
            Channel(), "svc", metrics_factory=broken, error_reporter=broken
        )
        sampler._sampling_request_callback(done(body))
        if body == json.dumps(HALF).encode():
            assert sampler.sampler == ProbabilisticSampler(0.5)

    @given(ANSWER | JSON)
    def test_no_answer_can_break_the_sampler(self, answer):
        remote = Remote()
        remote.sampler.close()
        remote.receive(json.dumps(answer))
        decision, tags = remote.sampler.is_sampled(2**63, "op")
        assert isinstance(decision, bool)
        assert set(tags) == {"sampler.type", "sampler.param"}


class TestPolling:
    @pytest.mark.parametrize("how", ["concurrent", "asyncio", "coroutine", "plain"])
    def test_starts_with_the_first_decision_whatever_future_the_channel_gives(self, polling, how):
        channel = Channel(json.dumps(HALF).encode(), how)
        sampler, metrics = polling(channel)
        assert channel.asked == []
        assert sampler.periodic is None
        sampler.is_sampled(1, "op")
        assert metrics.wait_for(UPDATED)
        assert channel.asked == [("svc",)]
        assert str(sampler.sampler) == "ProbabilisticSampler(0.5)"
        assert sampler.periodic is not None

    def test_defect_a_new_service_waits_for_its_first_strategy(self, polling, caplog):
        caplog.set_level(logging.INFO, "jaeger_tracing")
        channel = Channel(json.dumps(HALF).encode())
        sampler, _ = polling(channel, random=lambda: 0.01)
        sampler.is_sampled(1)
        assert channel.wait_until_asked()
        assert [record.getMessage() for record in caplog.records] == [
            "Delaying sampling strategy polling by 0 sec",
            "Tracing sampler started with sampling refresh interval 60 sec",
        ]

    def test_goes_on_at_its_interval_after_failures_too(self, polling):
        channel = Channel(OSError("down"))
        sampler, metrics = polling(channel, sampling_refresh_interval=0.01)
        sampler.is_sampled(1)
        assert metrics.wait_for(NO_QUERY, 2)
        channel.body = json.dumps(LIMIT).encode()
        assert metrics.wait_for(UPDATED)

    def test_a_channel_that_raises_is_a_failed_query(self, polling):
        sampler, metrics = polling(object())
        sampler.is_sampled(1)
        assert metrics.wait_for(NO_QUERY)

    def test_ends_with_close_which_may_be_called_twice_and_before_the_start(self, polling):
        channel = Channel(json.dumps(HALF).encode())
        sampler, _ = polling(channel)
        assert sampler.running
        sampler.close()
        sampler.close()
        assert not sampler.running
        sampler.is_sampled(1)
        assert sampler.periodic is None

    def test_the_last_sampler_goes_on_after_close(self, polling):
        sampler, metrics = polling(Channel(json.dumps(LIMIT).encode()))
        sampler.is_sampled(1)
        assert metrics.wait_for(UPDATED)
        sampler.close()
        assert sampler.is_sampled(1)[1]["sampler.param"] == 4

    def test_can_be_started_by_hand(self, polling):
        channel = Channel(json.dumps(HALF).encode())
        sampler, _ = polling(channel)
        sampler._init_polling()
        assert channel.wait_until_asked()

    def test_runs_on_the_users_loop(self, polling):
        async def run():
            channel = Channel(json.dumps(HALF).encode(), "asyncio", IOLoop.current())
            sampler, metrics = polling(channel)
            sampler.is_sampled(1)
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, metrics.wait_for, UPDATED)
            sampler.close()
            return str(sampler.sampler)

        assert asyncio.run(run()) == "ProbabilisticSampler(0.5)"

    def test_starts_again_in_a_forked_child(self, polling):
        channel = Channel(json.dumps(HALF).encode())
        sampler, metrics = polling(channel)
        sampler.is_sampled(1)
        assert metrics.wait_for(UPDATED)

        def child():
            channel.body = json.dumps(LIMIT).encode()
            assert sampler.periodic is None
            sampler.is_sampled(1)
            assert metrics.wait_for(UPDATED, 2)
            return str(sampler.sampler)

        assert in_child(child) == "RateLimitingSampler(4)"
        assert str(sampler.sampler) == "ProbabilisticSampler(0.5)"

    def test_stays_closed_in_a_forked_child(self, polling):
        sampler, _ = polling(Channel())
        sampler.close()

        def child():
            sampler.is_sampled(1)
            return f"{sampler.running} {sampler.periodic}"

        assert in_child(child) == "False None"

    def test_the_lock_of_a_parent_does_not_bind_the_child(self, polling):
        sampler, _ = polling(Channel())
        before = sampler.lock
        with before:
            sampler._after_fork()
            sampler._sampling_request_callback(done(json.dumps(HALF)))
        assert sampler.lock is not before
        assert sampler.sampler == ProbabilisticSampler(0.5)

"""Credits for forced traces."""

import asyncio
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like._guard import guard
from jaeger_like.errors import ConfigError
from jaeger_like.throttler import (
    CreditsError,
    RemoteThrottler,
    Throttler,
    ThrottlerMetrics,
    parse_balances,
)

from .fakes import Broken, Channel, RecordingErrors, RecordingMetrics, done, in_child
from .test_strategy import JSON


def balances(**granted):
    entries = [{"operation": name, "balance": number} for name, number in granted.items()]
    return json.dumps({"balances": entries}).encode()


class Remote:
    """A throttler that does not poll, with everything around it recorded."""

    def __init__(self, **kwargs):
        self.metrics = RecordingMetrics()
        self.errors = RecordingErrors()
        self.throttler = RemoteThrottler(
            Channel(), "svc", metrics_factory=self.metrics, error_reporter=self.errors, **kwargs
        )
        self.throttler.close()
        self.is_allowed = self.throttler.is_allowed

    def receive(self, body):
        self.throttler._request_callback(done(body))

    @property
    def counts(self):
        return {key: number for key, number in self.metrics.counts.items() if number}


@pytest.fixture
def polling():
    made = []

    def make(channel, client_id=17, **kwargs):
        metrics = RecordingMetrics()
        throttler = RemoteThrottler(
            channel, "svc", metrics_factory=metrics, random=lambda: 0.0, **kwargs
        )
        if client_id is not None:
            throttler.set_client_id(client_id)
        made.append(throttler)
        return throttler, metrics

    yield make
    for throttler in made:
        throttler.close()


def test_the_base_class_decides_nothing():
    throttler = Throttler()
    throttler.set_client_id(1)
    throttler.close()
    with pytest.raises(NotImplementedError):
        throttler.is_allowed("op")


class TestCredits:
    def test_an_unknown_operation_is_denied_and_remembered(self):
        remote = Remote()
        assert not remote.is_allowed("op")
        assert remote.throttler.credits == {"op": 0.0}
        assert remote.counts == {"throttled_debug_spans": 1}

    def test_each_forced_trace_costs_one(self):
        remote = Remote()
        remote.is_allowed("op")
        remote.receive(balances(op=2.5))
        assert [remote.is_allowed("op") for _ in range(3)] == [True, True, False]
        assert remote.throttler.credits == {"op": 0.5}

    def test_balances_are_added(self):
        remote = Remote()
        remote.is_allowed("op")
        remote.receive(balances(op=0.5))
        assert not remote.is_allowed("op")
        remote.receive(balances(op=0.5))
        assert remote.is_allowed("op")
        assert not remote.is_allowed("op")

    def test_operations_have_credits_of_their_own(self):
        remote = Remote()
        remote.receive(balances(a=1))
        assert not remote.is_allowed("b")
        assert remote.is_allowed("a")

    def test_defect_unbounded_map_of_operations(self):
        remote = Remote(max_operations=3)
        for i in range(10):
            assert not remote.is_allowed(str(i))
        assert set(remote.throttler.credits) == {"0", "1", "2"}
        remote.receive(balances(**{"0": 1, "9": 1}))
        assert not remote.is_allowed("9")
        assert remote.is_allowed("0")
        assert len(remote.throttler.credits) == 3

    def test_two_thousand_operations_are_known_by_default(self):
        remote = Remote()
        for i in range(2010):
            remote.is_allowed(str(i))
        assert len(remote.throttler.credits) == 2000

    @pytest.mark.parametrize("operation", [[], 5, None, "\ud800"])
    def test_an_operation_that_is_no_name_is_denied_and_never_asked_for(self, operation):
        remote = Remote()
        assert not remote.is_allowed(operation)
        assert remote.throttler.credits == {}

    def test_a_signal_handler_that_interrupts_a_holder_does_not_wait_for_ever(self):
        remote = Remote()
        with guard.lock:
            assert not remote.is_allowed("op")
            remote.receive(balances(op=1))
        assert remote.is_allowed("op")

    @given(st.lists(st.one_of(st.integers(0, 5), st.none()), max_size=40))
    def test_never_allows_more_than_was_granted(self, events):
        remote = Remote()
        granted = allowed = 0
        for event in events:
            if event is None:
                allowed += remote.is_allowed("op")
            else:
                granted += event
                remote.receive(balances(op=event))
            assert remote.throttler.credits.get("op", 0) == granted - allowed >= 0


class TestConstruction:
    @pytest.mark.parametrize(
        ("key", "value"),
        [("refresh_interval", 0), ("refresh_interval", "5"), ("max_operations", -1)],
    )
    def test_bad_settings_are_named(self, key, value):
        with pytest.raises(ConfigError, match=key):
            RemoteThrottler(Channel(), "svc", **{key: value})

    def test_unknown_settings_are_refused(self):
        with pytest.raises(TypeError):
            RemoteThrottler(Channel(), "svc", interval=5)

    def test_none_means_the_default(self):
        throttler = RemoteThrottler(
            Channel(), "svc", refresh_interval=None, logger=None, metrics_factory=None,
            error_reporter=None,
        )  # fmt: skip
        assert throttler.refresh_interval == 5

    def test_the_first_client_id_wins_and_is_text(self):
        throttler = Remote().throttler
        throttler.set_client_id(5)
        throttler.set_client_id(6)
        assert throttler.client_id == "5"

    def test_defect_throttler_update_is_counted_under_both_names(self):
        metrics = RecordingMetrics()
        ThrottlerMetrics(metrics)
        assert sorted(metrics.made) == [
            "throttled_debug_spans",
            "throttler_update.err",
            "throttler_update.ok",
            "throttler_updates.err",
            "throttler_updates.ok",
        ]


class TestAnswers:
    def test_are_counted(self):
        remote = Remote()
        remote.receive(balances(op=1))
        assert remote.counts == {"throttler_update.ok": 1, "throttler_updates.ok": 1}

    @pytest.mark.parametrize(
        ("body", "start"),
        [
            (OSError("down"), "Failed to get throttling credits from jaeger-agent: down"),
            (b"", "Failed to parse throttling credits response from jaeger-agent: expected JSON"),
            (None, "Failed to parse throttling credits response from jaeger-agent: "),
            (b"x", "Failed to parse throttling credits response from jaeger-agent: "),
            (b"[]", "Failed to parse throttling credits response from jaeger-agent: "),
            (b"5", "Failed to parse throttling credits response from jaeger-agent: "),
            (b'{"balances":5}', "Failed to parse throttling credits response from jaeger-agent: "),
            (b"[" * 100_000, "Failed to parse throttling credits response from jaeger-agent: "),
        ],
    )
    def test_failures_keep_the_credits_and_are_counted_and_reported(self, body, start):
        remote = Remote()
        remote.receive(balances(op=1))
        remote.receive(body)
        assert remote.throttler.credits == {"op": 1}
        assert remote.counts["throttler_update.err"] == remote.counts["throttler_updates.err"] == 1
        (message,) = remote.errors.messages
        assert message.startswith(start)
        assert len(message) < 500

    @pytest.mark.parametrize("body", [b"{}", b'{"balances":null}', b'{"balances":[]}'])
    def test_no_credits_are_no_failure(self, body):
        remote = Remote()
        remote.receive(body)
        assert remote.counts["throttler_update.ok"] == 1
        assert remote.throttler.credits == {}

    @pytest.mark.parametrize(
        "entry",
        [
            "5",
            "null",
            '{"operation":"bad"}',
            '{"balance":5}',
            '{"operation":5,"balance":5}',
            '{"operation":"bad","balance":"5"}',
            '{"operation":"bad","balance":true}',
            '{"operation":"bad","balance":-1}',
            '{"operation":"bad","balance":NaN}',
            '{"operation":"bad","balance":1e999}',
        ],
    )
    def test_a_malformed_entry_costs_only_itself(self, entry):
        body = '{"balances":[' + entry + ',{"operation":"op","balance":1}]}'
        assert parse_balances(body) == [("op", 1)]

    @given(JSON | st.builds(lambda entries: {"balances": entries}, st.lists(JSON)))
    def test_whatever_is_sent_there_is_one_error(self, answer):
        try:
            found = parse_balances(json.dumps(answer))
        except CreditsError:
            return
        assert all(isinstance(name, str) and number >= 0 for name, number in found)

    def test_the_first_error_is_logged_at_once_then_recovery(self, caplog):
        caplog.set_level(logging.INFO, "jaeger_tracing")
        throttler = RemoteThrottler(Channel(), "svc")
        for body in (OSError("down"), OSError("down"), b"{}"):
            throttler._request_callback(done(body))
        assert [record.getMessage() for record in caplog.records] == [
            "Failed to get throttling credits from jaeger-agent: down",
            "Throttling credits come from jaeger-agent again",
        ]

    @pytest.mark.parametrize("body", [OSError("x"), b"", b"{}"])
    def test_broken_metrics_and_reporters_of_users_do_no_harm(self, body):
        broken = Broken()
        throttler = RemoteThrottler(Channel(), "svc", metrics_factory=broken, error_reporter=broken)
        throttler.close()
        throttler._request_callback(done(body))
        assert not throttler.is_allowed("op")


class TestPolling:
    def test_asks_for_the_operations_it_has_seen(self, polling):
        channel = Channel(balances(op=1))
        throttler, metrics = polling(channel)
        assert not throttler.is_allowed("op")
        assert metrics.wait_for("throttler_updates.ok")
        assert channel.asked[0] == ("svc", "17", ("op",))
        assert throttler.is_allowed("op")

    def test_asks_nothing_before_an_id_is_set(self, polling):
        channel = Channel(balances(op=1))
        throttler, metrics = polling(channel, client_id=None, refresh_interval=0.005)
        throttler.is_allowed("op")
        throttler.set_client_id("me")
        assert metrics.wait_for("throttler_updates.ok")
        assert {client_id for _, client_id, _ in channel.asked} == {"me"}

    @pytest.mark.parametrize(("operations", "client_id"), [([], 17), (["op"], None)])
    def test_asks_nothing_while_nothing_is_known(self, polling, operations, client_id):
        channel = Channel()
        throttler, _ = polling(channel, client_id)
        throttler.credits = dict.fromkeys(operations, 0.0)
        asyncio.run(throttler._poll())
        assert channel.asked == []

    def test_can_be_started_by_hand(self, polling):
        channel = Channel(balances(op=1))
        throttler, _ = polling(channel)
        throttler.credits["op"] = 0.0
        throttler._init_polling()
        assert channel.wait_until_asked()

    def test_goes_on_after_failures(self, polling):
        channel = Channel(OSError("down"))
        throttler, metrics = polling(channel, refresh_interval=0.005)
        throttler.is_allowed("op")
        assert metrics.wait_for("throttler_updates.err", 2)
        channel.body = balances(op=1)
        assert metrics.wait_for("throttler_updates.ok")

    def test_defect_polling_goes_on_after_close(self, polling):
        channel = Channel(balances(op=1))
        throttler, metrics = polling(channel, refresh_interval=0.005)
        throttler.is_allowed("op")
        assert metrics.wait_for("throttler_updates.ok")
        throttler.close()
        throttler.close()
        assert throttler._polling.poll._closed
        assert throttler.is_allowed("op")

    def test_a_forked_child_starts_without_credits_under_its_own_id(self, polling):
        channel = Channel(balances(op=1))
        throttler, metrics = polling(channel)
        throttler.is_allowed("op")
        assert metrics.wait_for("throttler_updates.ok")

        def child():
            assert throttler.client_id is None
            assert not throttler.is_allowed("op")
            throttler.set_client_id("child")
            assert metrics.wait_for("throttler_updates.ok", 2)
            return f"{channel.asked[-1]} {throttler.is_allowed('op')}"

        assert in_child(child) == "('svc', 'child', ('op',)) True"
        assert throttler.is_allowed("op")

    def test_after_a_fork_known_operations_are_asked_for_again(self):
        throttler = Remote().throttler
        throttler.set_client_id(1)
        throttler.credits["op"] = 5.0
        throttler._after_fork()
        assert throttler.client_id is None
        assert throttler.credits == {"op": 0.0}

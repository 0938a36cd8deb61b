"""Boolean-ish values, the error reporter, and this host's address."""

import logging
import socket
import sys
import warnings

import pytest

from jaeger_like import Config, RemoteControlledSampler, utils
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.reporter import Reporter
from jaeger_like.utils import ErrorReporter, get_boolean


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True", "TRUE"])
@pytest.mark.parametrize("default", [True, False])
def test_true_whatever_the_default(value, default):
    assert get_boolean(value, default) is True


@pytest.mark.parametrize("value", [False, 0, None, "0", "false", "False", "none", "None"])
@pytest.mark.parametrize("default", [True, False])
def test_false_whatever_the_default(value, default):
    assert get_boolean(value, default) is False


@pytest.mark.parametrize(
    "value", ["", "yes", "no", "on", "off", "2", 2, " true", "1.0", 1.0, [], {}, object()]
)
@pytest.mark.parametrize("default", [True, False])
def test_anything_else_is_the_default(value, default):
    assert get_boolean(value, default) is default


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reporter(clock, caplog):
    caplog.set_level(logging.INFO)
    return ErrorReporter(None, log_interval_minutes=15, clock=clock)


def test_the_first_error_is_logged_at_once_without_a_logger_given(reporter, caplog):
    """Defect of the old client: nothing in the first 15 minutes, nothing at all without logger."""
    reporter.error("cannot send: %s", "boom")
    assert caplog.record_tuples == [("jaeger_tracing", logging.ERROR, "cannot send: boom")]


def test_within_the_interval_errors_are_counted_and_then_told(reporter, clock, caplog):
    for _ in range(4):
        reporter.error("cannot send: %s", "boom")
    clock.now += 15 * 60 - 1
    reporter.error("cannot send: %s", "boom")
    assert len(caplog.messages) == 1
    clock.now += 1
    reporter.error("cannot send: %s", "boom")
    assert caplog.messages[1:] == ["cannot send: boom (and 4 more like it since the last message)"]
    clock.now += 15 * 60
    reporter.error("cannot send: %s", "boom")
    assert caplog.messages[2:] == ["cannot send: boom"]


def test_one_kind_of_error_does_not_hide_another(reporter, caplog):
    reporter.error("a %s", 1)
    reporter.error("b %s", 1)
    reporter.error("a %s", 2)
    assert caplog.messages == ["a 1", "b 1"]


def test_an_interval_of_zero_logs_everything(caplog):
    reporter = ErrorReporter(False, logging.getLogger("mine"), 0)
    reporter.error("a")
    reporter.error("a")
    assert [record.name for record in caplog.records] == ["mine", "mine"]


def test_recovery_is_told_once_after_an_error_that_was_told(reporter, caplog):
    reporter.recovered("works")
    reporter.error("broken")
    reporter.recovered("works again after %s", "a while")
    reporter.recovered("works again")
    reporter.error("broken")  # within the interval: not told, so neither is the recovery
    reporter.recovered("works again")
    assert caplog.messages == ["broken", "works again after a while"]


def test_a_logger_that_raises_harms_nobody():
    class Broken:
        def error(self, *_):
            raise RuntimeError

        info = error

    reporter = ErrorReporter(None, Broken())
    reporter.error("x")
    reporter.recovered("x")


def test_formatted_messages_do_not_pile_up(reporter):
    for number in range(1000):
        reporter.error(f"error {number}")
    assert len(reporter._last) <= 100


def test_local_ip_is_an_address_of_this_host():
    address = utils.local_ip()
    assert address is not None
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))  # only possible with one's own


def test_local_ip_asks_no_name_server(monkeypatch):
    """Defect of the old client: seconds without DNS."""

    def never(*_):
        raise AssertionError

    for name in ("gethostbyname", "getaddrinfo", "gethostname"):
        monkeypatch.setattr(f"_socket.{name}", never)
    assert utils.local_ip()


class FakeSocket:
    """Stands for sockets of a host whose routes are given by family."""

    routes: dict = {}

    def __init__(self, family, kind):
        self.family = family

    def close(self):
        pass

    def connect(self, peer):
        if self.family not in self.routes:
            raise OSError("Network is unreachable")

    def getsockname(self):
        return (self.routes[self.family], 1)


@pytest.mark.parametrize(
    ("routes", "address"),
    [
        ({socket.AF_INET: "10.1.2.3", socket.AF_INET6: "fd00::1"}, "10.1.2.3"),
        ({socket.AF_INET6: "fd00::1"}, "fd00::1"),
        ({socket.AF_INET: "0.0.0.0"}, None),
        ({}, None),
    ],
)
def test_address_by_route(monkeypatch, routes, address):
    monkeypatch.setattr(FakeSocket, "routes", routes)
    monkeypatch.setattr("_socket.socket", FakeSocket)
    assert utils.get_local_ip_by_socket() == address


@pytest.mark.parametrize(
    ("interfaces", "address"),
    [
        ({"lo": "127.0.0.1", "tun0": None, "eth0": "10.1.2.3", "eth1": "10.1.2.4"}, "10.1.2.3"),
        ({"lo": "127.0.0.1", "tun0": None}, "127.0.0.1"),
        ({}, None),
    ],
)
def test_address_by_interfaces_prefers_other_than_loopback(monkeypatch, interfaces, address):
    monkeypatch.setattr("_socket.if_nameindex", lambda: list(enumerate(interfaces)))
    monkeypatch.setattr(utils, "interface_ip", interfaces.get)
    assert utils.get_local_ip_by_interfaces() == address
    monkeypatch.setattr(utils, "get_local_ip_by_socket", lambda: None)
    assert utils.local_ip() == address


def test_no_list_of_interfaces_no_address(monkeypatch):
    def broken():
        raise OSError

    monkeypatch.setattr("_socket.if_nameindex", broken)
    assert utils.get_local_ip_by_interfaces() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the loopback's name is Linux's")
@pytest.mark.parametrize("name", ["lo", b"lo"])
def test_interface_ip_reads_a_real_interface_and_leaks_no_socket(name):
    """Defects of the old client: it never matched, and leaked one socket for each interface."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert utils.interface_ip(name) == "127.0.0.1"


def test_an_unknown_interface_has_no_address():
    assert utils.interface_ip("nope0") is None


def test_without_fcntl_interfaces_have_no_address(monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert utils.interface_ip("lo") is None


def test_what_the_library_makes_for_itself_logs_once_a_minute():
    """As the README says; the class alone has the 15 minutes of the old client."""
    config = Config({"sampler": {"type": "const", "param": 1}}, service_name="svc")
    tracer = config.new_tracer()
    reporters = [config.error_reporter, tracer.reporter.error_reporter]
    reporters.append(Reporter(LocalAgentSender("127.0.0.1", 5778, 6831)).error_reporter)
    reporters.append(RemoteControlledSampler(None, "svc").error_reporter)
    assert {reporter.log_interval_minutes for reporter in reporters} == {1}

"""W3C Trace Context through a whole service, over real HTTP, as the W3C's own harness asks for it.

The service is ``examples/w3c_echo.py`` in a process of its own; what it calls is a server here,
which keeps the headers that arrive.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jaeger_like.testing import RecordingAgent

ROOT = Path(__file__).parents[2]

TRACE = "12345678901234567890123456789012"
SPAN = "1234567890123456"
PARENT = f"00-{TRACE}-{SPAN}-01"


class Callback:
    """What the service calls."""

    def __init__(self):
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.headers, json.loads(body)))
                self.send_response(500 if self.path == "/fails" else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Echo:
    """The service, and a way to ask it."""

    def __init__(self, port, callback, agent):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/test"
        self.callback = callback
        self.agent = agent

    def post(self, body, headers=()):
        """Post to the service; *headers* are pairs, and names may repeat."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest("POST", "/test", skip_accept_encoding=True)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
        connection.close()
        return status, text

    def calls(self, headers, calls):
        """Have the service make *calls*; return the headers that arrived, in order."""
        self.callback.requests.clear()
        status, text = self.post(json.dumps(calls).encode(), headers)
        assert (status, text) == (200, "done")
        return [arrived for arrived, _ in self.callback.requests]

    def call(self, *headers):
        """Return traceparent, as four fields, and tracestate of one call made on behalf of us."""
        (arrived,) = self.calls(headers, [{"url": self.callback.url, "arguments": []}])
        return traceparent(arrived), arrived.get("tracestate")


def traceparent(headers):
    (value,) = headers.get_all("traceparent")
    match = re.fullmatch("(00)-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", value)
    assert match, value
    assert match[2] != "0" * 32
    assert match[3] != "0" * 16
    assert len(headers.get_all("tracestate", [])) <= 1
    return match.groups()


@pytest.fixture(scope="module")
def echo():
    callback = Callback()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with (
        RecordingAgent() as agent,
        subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "examples" / "w3c_echo.py"),
                "--agent-port",
                str(agent.port),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        ) as process,
    ):
        yield Echo(int(process.stdout.readline()), callback, agent)
        process.terminate()
        assert process.wait(30) == 0
    callback.close()


def assert_continued(echo, *headers, flags="01"):
    (_, trace, span, found), state = echo.call(*headers)
    assert trace == TRACE
    assert span != SPAN
    assert found == flags
    return state


def assert_restarted(echo, *headers):
    """A trace of its own; and nothing of a tracestate that belongs to another one."""
    (_, trace, span, _), state = echo.call(*headers)
    assert trace != TRACE
    assert span != SPAN
    assert state is None


# -- traceparent ---------------------------------------------------------------------------------


def test_without_headers_a_trace_begins(echo):
    assert_restarted(echo)
    first, second = echo.call()[0], echo.call()[0]
    assert first[1] != second[1]
    assert first[3] == second[3] == "03"  # sampled, and random, which only who made the id knows


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (PARENT, "01"),
        (f"00-{TRACE}-{SPAN}-00", "00"),
        # Bits that nobody knows yet are not handed on; the second, "random", is.
        (f"00-{TRACE}-{SPAN}-02", "02"),
        (f"00-{TRACE}-{SPAN}-03", "03"),
        (f"00-{TRACE}-{SPAN}-ff", "03"),
        (f"00-{TRACE}-{SPAN}-f4", "00"),
        (f"cc-{TRACE}-{SPAN}-01", "01"),
        (f"cc-{TRACE}-{SPAN}-01-", "01"),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", "01"),
        (f"01-{TRACE}-{SPAN}-00", "00"),
        (f" {PARENT} ", "01"),
        (f"\t{PARENT}\t", "01"),
    ],
)
def test_a_valid_traceparent_is_continued(echo, value, flags):
    assert_continued(echo, ("traceparent", value), flags=flags)


def test_the_examples_of_the_recommendation(echo):
    for flags in ("01", "00"):
        (_, trace, span, found), _ = echo.call(
            ("traceparent", f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}")
        )
        assert trace == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert span != "00f067aa0ba902b7"
        assert found == flags


INVALID = [
    "",
    # version
    f"ff-{TRACE}-{SPAN}-01",
    f".0-{TRACE}-{SPAN}-01",
    f"0.-{TRACE}-{SPAN}-01",
    f"000-{TRACE}-{SPAN}-01",
    f"0000-{TRACE}-{SPAN}-01",
    f"0-{TRACE}-{SPAN}-01",
    f"CC-{TRACE}-{SPAN}-01",
    # what follows the flags
    f"{PARENT}.",
    f"{PARENT}-",
    f"{PARENT}-what-the-future-will-be-like",
    f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like",
    f"cc-{TRACE}-{SPAN}-01what",
    # trace id
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-.{TRACE[1:]}-{SPAN}-01",
    f"00-{TRACE[:-1]}.-{SPAN}-01",
    f"00-{TRACE}0-{SPAN}-01",
    f"00-{TRACE[:-1]}-{SPAN}-01",
    f"00-ABCDEF{TRACE[6:]}-{SPAN}-01",
    # span id
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-.{SPAN[1:]}-01",
    f"00-{TRACE}-{SPAN[:-1]}.-01",
    f"00-{TRACE}-{SPAN}0-01",
    f"00-{TRACE}-{SPAN[:-1]}-01",
    f"00-{TRACE}-ABCDEF{SPAN[6:]}-01",
    # flags
    f"00-{TRACE}-{SPAN}-.0",
    f"00-{TRACE}-{SPAN}-0.",
    f"00-{TRACE}-{SPAN}-001",
    f"00-{TRACE}-{SPAN}-1",
    f"00-{TRACE}-{SPAN}-0A",
    f"00-{TRACE}-{SPAN}",
    # blanks inside, two in one header, digits of another script
    f"00 -{TRACE}-{SPAN}-01",
    f"{PARENT},{PARENT}",
    f"00-{TRACE[:-1]}²-{SPAN}-01",
]


@pytest.mark.parametrize("value", INVALID)
def test_an_invalid_traceparent_is_no_traceparent(echo, value):
    assert_restarted(echo, ("traceparent", value), ("tracestate", "foo=1"))


@pytest.mark.parametrize("name", ["TRACEPARENT", "TraceParent", "tRaCePaReNt", "TrAcEpArEnT"])
def test_the_name_in_any_case(echo, name):
    assert_continued(echo, (name, PARENT))


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent", "trace_parent"])
def test_other_names_mean_nothing(echo, name):
    assert_restarted(echo, (name, PARENT))


@pytest.mark.parametrize(
    "second", [PARENT, f"00-{'a' * 32}-{SPAN}-01", "", f"00-{'0' * 32}-{SPAN}-01"]
)
@pytest.mark.parametrize("turned", [False, True])
def test_two_of_them_are_none(echo, second, turned):
    values = [PARENT, second][:: -1 if turned else 1]
    assert_restarted(echo, *(("traceparent", value) for value in values), ("tracestate", "foo=1"))


def test_several_calls_have_a_span_each_in_one_trace(echo):
    calls = [{"url": echo.callback.url, "arguments": [n]} for n in range(3)]
    arrived = echo.calls([("traceparent", PARENT), ("tracestate", "foo=1")], calls)
    fields = [traceparent(headers) for headers in arrived]
    assert {trace for _, trace, _, _ in fields} == {TRACE}
    assert len({span for _, _, span, _ in fields} | {SPAN}) == 4
    assert [headers["tracestate"] for headers in arrived] == ["foo=1"] * 3
    assert [arguments for _, arguments in echo.callback.requests] == [[0], [1], [2]]


@pytest.mark.parametrize("headers", [[], [("traceparent", f"00-{'0' * 32}-{SPAN}-01")]])
def test_several_calls_in_a_trace_that_begins_here(echo, headers):
    calls = [{"url": echo.callback.url, "arguments": []}] * 3
    fields = [traceparent(arrived) for arrived in echo.calls(headers, calls)]
    assert len({trace for _, trace, _, _ in fields}) == 1
    assert len({span for _, _, span, _ in fields}) == 3


def test_the_service_calls_itself(echo):
    inner = [{"url": echo.callback.url, "arguments": []}]
    (arrived,) = echo.calls([("traceparent", PARENT)], [{"url": echo.url, "arguments": inner}])
    assert traceparent(arrived)[1] == TRACE


# -- tracestate ----------------------------------------------------------------------------------


def with_state(echo, *values, name="tracestate"):
    """Return what becomes of tracestate headers beside a good traceparent, which is kept."""
    return assert_continued(echo, ("traceparent", PARENT), *((name, value) for value in values))


LONGEST_KEY = "z" * 256
LONGEST_VALUE = "v" * 256
KEY_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@"
VALUE_CHARACTERS = "".join(chr(i) for i in range(0x20, 0x7F) if chr(i) not in ",=")


@pytest.mark.parametrize(
    ("values", "forwarded"),
    [
        (["foo=1"], "foo=1"),
        (["foo=1,bar=2"], "foo=1,bar=2"),
        # Several headers are one list, in their order.
        (["foo=1", "bar=2"], "foo=1,bar=2"),
        (["foo=1,bar=2", "baz=3"], "foo=1,bar=2,baz=3"),
        (["foo=1", "", "bar=2"], "foo=1,bar=2"),
        (["", "foo=1"], "foo=1"),
        # Members may be empty and have blanks and tabs around them.
        (["foo=1,,bar=2,"], "foo=1,bar=2"),
        (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (["foo=1\t \t,\t \tbar=2"], "foo=1,bar=2"),
        (["   foo=1"], "foo=1"),
        (["foo=1   "], "foo=1"),
        (["\tfoo=1\t"], "foo=1"),
        # What keys and values may be.
        (["0foo=1,f_o-o*/x=2"], "0foo=1,f_o-o*/x=2"),
        (["tenant@vendor=1,0tenant@vendor=2"], "tenant@vendor=1,0tenant@vendor=2"),
        (["foo=a b !\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"], "foo=a b !\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"),
        ([f"{KEY_CHARACTERS}={VALUE_CHARACTERS}"], f"{KEY_CHARACTERS}={VALUE_CHARACTERS}"),
        ([f"t{KEY_CHARACTERS}@v=1"], f"t{KEY_CHARACTERS}@v=1"),
        ([f"{LONGEST_KEY}=1"], f"{LONGEST_KEY}=1"),
        (["t" * 241 + "@" + "v" * 14 + "=1"], "t" * 241 + "@" + "v" * 14 + "=1"),
        ([f"foo={LONGEST_VALUE}"], f"foo={LONGEST_VALUE}"),
        # A key that repeats: its first one.
        (["foo=1,foo=1"], "foo=1"),
        (["foo=1", "foo=2,bar=3"], "foo=1,bar=3"),
        # Nothing at all.
        ([""], None),
        ([" , ,"], None),
    ],
)
def test_a_tracestate_is_forwarded(echo, values, forwarded):
    assert with_state(echo, *values) == forwarded


@pytest.mark.parametrize(
    "value",
    [
        "foo",
        "foo=",
        "=1",
        "foo=1,bar",
        "foo=1;bar=2",
        "foo=1=2",
        "foo =1",
        "FOO=1",
        "fOo=1",
        "foo.bar=1",
        "foo!=1",
        "@foo=1",
        "_foo=1",
        "-foo=1",
        f"{LONGEST_KEY}z=1",
        f"foo={LONGEST_VALUE}v",
        "foo=\x7f",
        "foo=ä",
        "foo=1\tbar",
    ],
)
def test_an_invalid_tracestate_is_dropped_and_the_traceparent_kept(echo, value):
    assert with_state(echo, value) is None
    assert with_state(echo, "good=1", value) is None


def members(count):
    return [f"bar{number:02}={number:02}" for number in range(count)]


@pytest.mark.parametrize("split", [1, 16, 32])
def test_32_members_are_forwarded(echo, split):
    headers = [",".join(members(32)[i : i + split]) for i in range(0, 32, split)]
    assert with_state(echo, *headers) == ",".join(members(32))


def test_33_members_are_too_many(echo):
    assert with_state(echo, ",".join(members(33))) is None
    assert with_state(echo, ",".join(members(32)), "one-more=1") is None


def test_512_characters_and_more_are_forwarded_whole(echo):
    value = ",".join(f"k{number}={'x' * 100}" for number in range(9))
    assert len(value) > 900
    assert with_state(echo, value) == value


def test_too_long_a_list_loses_whole_members_first_the_large_ones(echo):
    large = [f"large{number}={'x' * 250}" for number in range(20)]
    small = [f"small{number}={'y' * 20}" for number in range(10)]
    state = with_state(echo, ",".join(small[:5] + large + small[5:]))
    kept = state.split(",")
    assert [member for member in kept if member in small] == small
    assert [member for member in kept if member in large] == large[: len(kept) - len(small)]
    assert 512 <= len(state) < 20 * 250


@pytest.mark.parametrize("name", ["TRACESTATE", "TraceState"])
def test_its_name_in_any_case(echo, name):
    assert with_state(echo, "foo=1", name=name) == "foo=1"


@pytest.mark.parametrize("name", ["trace-state", "trace.state"])
def test_its_other_names_mean_nothing(echo, name):
    assert with_state(echo, "foo=1", name=name) is None


def test_a_tracestate_without_traceparent_is_not_forwarded(echo):
    assert_restarted(echo, ("tracestate", "foo=1"))


# -- the service itself --------------------------------------------------------------------------


def test_baggage_travels_along(echo):
    headers = [("traceparent", PARENT), ("baggage", "k=v%20%C3%A4;p=1, l = m")]
    (arrived,) = echo.calls(headers, [{"url": echo.callback.url, "arguments": []}])
    assert sorted(arrived["baggage"].split(",")) == ["k=v%20%C3%A4", "l=m"]


@pytest.mark.parametrize("body", [b"", b"{", b"{}x", b"5", b'["x"]', b'[{"url": "x"}]'])
def test_a_malformed_request_is_refused(echo, body):
    status, text = echo.post(body)
    assert status == 400
    assert text.startswith("expected a JSON array")


def test_a_callee_that_fails_is_a_bad_gateway(echo):
    calls = [{"url": f"{echo.callback.url}/fails", "arguments": []}]
    status, _ = echo.post(json.dumps(calls).encode())
    assert status == 502


def test_the_spans_of_the_service_reach_its_agent(echo):
    echo.agent.clear()
    echo.calls([("traceparent", PARENT)], [{"url": echo.callback.url, "arguments": []}])
    # Spans of the test before this may still come.
    trace_id = int(TRACE, 16)
    count = 0
    ours: list = []
    while len(ours) < 2:
        count += 1
        ours = [span for span in echo.agent.wait_for(count) if span.trace_id == trace_id]
    client, server = ours[-2:]
    assert client.trace_id == server.trace_id == int(TRACE, 16)
    assert server.parent_id == int(SPAN, 16)
    assert client.parent_id == server.span_id

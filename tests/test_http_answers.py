"""What servers answer, byte by byte: all forms of it, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaeger_like.transport.collector import HTTPSender
from jaeger_like.transport.http import Client, HTTPFailure

from .raw_server import ACCEPTED, serving
from .test_http_sender import PACKET, SECRET, close_clients  # noqa: F401  a fixture

HUNDRED = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhe", b"llo"], b"hello"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"], b"hello"),
        ([b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"], b""),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b""),
        (
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            ],
            b"hello",
        ),
        (
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
                b"5;name=value\r\nhe",
                b"llo\r\n0\r\nTrailer: x\r\n",
                b"\r\n",
            ],
            b"hello",
        ),
        ([HUNDRED, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], b"ok"),
        ([HUNDRED + HUNDRED + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], b"ok"),
        (
            [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ACCEPTED],
            b"",
        ),
    ],
)
def test_every_form_of_an_answer_leaves_the_connection_for_the_next(parts, body):
    @serving(lambda number: parts)
    async def answers(server):
        client = Client(server.url)
        answers = [(await client.request("POST", b"x")).body for _ in range(3)]
        client.close()
        assert server.connections == 1
        return answers

    assert answers == [body] * 3


def test_an_answer_until_the_end_of_the_connection_is_whole():
    @serving(lambda number: [b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", None])
    async def answer(server):
        return await Client(server.url).request("GET")

    assert answer.body == b"hello"


TOO_LARGE = [
    b"HTTP/1.1 %d X\r\nContent-Length: 101\r\n\r\n" + b"x" * 101,
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"32\r\n" + b"x" * 50 + b"\r\n33\r\n",
    b"HTTP/1.1 %d X\r\n\r\n" + b"x" * 101,
    b"HTTP/1.1 %d X\r\nContent-Length: 999999999999999\r\n\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
]
BROKEN = [
    b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhel",
    b"HTTP/1.1 %d X\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 %d X\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhex\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 2000,
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 200,
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
]


@pytest.mark.parametrize("answer", TOO_LARGE + BROKEN)
def test_a_bad_body_is_a_failure_that_has_the_status(answer):
    @serving(lambda number: [answer % (200 + 303 * (number - 1)), None])
    async def failures(server):
        client = Client(server.url, max_body=100)
        failures = []
        for _ in range(2):
            with pytest.raises(HTTPFailure) as caught:
                await client.request("GET")
            failures.append(caught.value)
        return failures

    assert [failure.code for failure in failures] == [200, 503]
    assert "200, but " in str(failures[0])


@pytest.mark.parametrize("answer", TOO_LARGE + BROKEN)
def test_a_packet_that_was_taken_is_not_sent_again_whatever_the_body(answer):
    @serving(lambda number: [answer % 202, None])
    async def server(server):
        await HTTPSender(server.url, backoff=0.001).send(PACKET)
        return server

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 1000 High\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"x" * 70_000,
        HUNDRED * 20,
        b"\x00\xff\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_answer_has_no_status(answer):
    @serving(lambda number: [answer, None])
    async def failure(server):
        with pytest.raises(HTTPFailure) as caught:
            await Client(server.url).request("GET")
        return caught.value

    assert failure.code is None
    assert SECRET not in str(failure)


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 503 Busy\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\n\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"FFFFFFFF\r\n",
        b"-1\r\n",
        b": x\r\n",
        b" folded\r\n",
    ]
)


@given(st.lists(st.lists(PIECES | st.binary(max_size=20), max_size=12), min_size=3, max_size=3))
@settings(deadline=None)
def test_whatever_a_server_answers_is_an_answer_or_a_failure(answers):
    @serving(lambda number: [b"".join(answers[number % 3]), *([None] if number % 2 else [])])
    async def server(server):
        client = Client(server.url, timeout=0.05, max_body=100)
        for _ in range(3):
            try:
                answer = await client.request("POST", b"x")
            except HTTPFailure:
                pass
            else:
                assert 200 <= answer.code < 300
                assert len(answer.body) <= 100
            assert len(client._open) == (client._idle is not None)
        client.close()
        assert client._open == []
        return server

    assert server.connections

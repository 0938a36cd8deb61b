"""What the client asks, and of whom: targets, headers, proxies, redirects, certificates."""

import subprocess

import pytest

from jaeger_like.transport.collector import HTTPSender
from jaeger_like.transport.http import Client, HTTPFailure

from .raw_server import RawServer, run, serving
from .test_http_sender import PACKET, SECRET, certificate, close_clients  # noqa: F401  fixtures


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", b"POST / HTTP/1.1"),
        ("?a=b", b"POST /?a=b HTTP/1.1"),
        ("/a b", b"POST /a%20b HTTP/1.1"),
        ("/ä?ö=1%20", b"POST /%C3%A4?%C3%B6=1%20 HTTP/1.1"),
        ("/x#part", b"POST /x HTTP/1.1"),
    ],
)
def test_the_target(path, line):
    @serving()
    async def server(server):
        client = Client(f"http://127.0.0.1:{server.port}{path}")
        await client.request("POST", b"")
        client.close()
        return server

    head = server.requests[0][0]
    assert head.splitlines()[0] == line
    assert b"\r\nHost: 127.0.0.1:%d\r\n" % server.port in head
    assert b"\r\nUser-Agent: jaeger-like/" in head
    assert b"\r\nContent-Length: 0\r\n" in head


def test_what_proxies_may_compress_is_asked_for_as_it_is():
    @serving()
    async def server(server):
        client = Client(server.url)
        await client.request("GET")
        client.close()
        return server

    assert b"\r\nAccept-Encoding: identity\r\n" in server.requests[0][0]


def test_headers_that_are_given_beat_those_made_here():
    @serving()
    async def server(server):
        client = Client(server.url, headers={"user-AGENT": "mine", "X-Name": "€", "host": "h"})
        await client.request("POST", b"x")
        client.close()
        return server

    head = server.requests[0][0]
    assert head.lower().count(b"user-agent") == head.lower().count(b"host:") == 1
    assert b"user-AGENT: mine" in head
    assert "X-Name: €".encode() in head


@pytest.mark.parametrize(
    "headers", [{"A": f"{SECRET}\r\nB: c"}, {"A": f"{SECRET}\n"}, {"A B": SECRET}]
)
def test_headers_that_are_none_are_refused_without_their_values(headers):
    for make in (Client, HTTPSender):
        with pytest.raises(ValueError, match="header") as caught:
            make("http://h/", headers=headers)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://h/", "http://", "/path", "http://h:99999/"])
def test_urls_that_are_none_are_refused(url):
    with pytest.raises(ValueError):  # noqa: PT011  of urllib's too
        HTTPSender(url)


def test_the_environments_proxies_are_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    @serving()
    async def server(server):
        client = Client(server.url)
        await client.request("POST", b"x")
        client.close()
        return server

    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_takes_no_credential_elsewhere(code):
    async def main():
        async with RawServer() as elsewhere:
            redirect = b"HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
            answer = redirect % (code, elsewhere.url.encode())
            async with RawServer(lambda number: [answer]) as server:
                sender = HTTPSender(server.url, auth_token=SECRET)
                with pytest.raises(HTTPFailure) as caught:
                    await sender.send(PACKET)
                sender.close()
                assert caught.value.code == code
                assert caught.value.final
            return elsewhere

    assert run(main()).connections == 0


def test_files_of_certificates_that_cannot_be_read_are_named(tmp_path, certificate):
    missing = str(tmp_path / "missing.pem")
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-passout", "pass:secret", "-out", str(locked)]
        + ["-in", str(certificate / "key.pem")],
        check=True,
        capture_output=True,
        timeout=60,
    )
    pem = str(certificate / "cert.pem")
    for options in (
        {"ca_certs": missing},
        {"client_cert": missing},
        {"client_cert": pem, "client_key": str(locked)},  # nobody is asked for the password
    ):

        @serving()
        async def failure(server):
            with pytest.raises(HTTPFailure) as caught:
                await Client(server.url.replace("http:", "https:"), **options).request("GET")  # noqa: B023  called before the next turn
            return caught.value

        assert "cannot load " in str(failure)
        assert next(iter(options.values())) in str(failure)

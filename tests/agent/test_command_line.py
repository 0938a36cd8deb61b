"""The command line, in a process of its own."""

import asyncio
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from jaeger_like.__main__ import main
from jaeger_like.all_in_one import command

from . import vectors

ROOT = Path(__file__).resolve().parents[2]
FREE = [
    part
    for name in ("udp-compact", "udp-binary", "sampling", "collector", "query")
    for part in (f"--{name}-port", "0")
]


@pytest.fixture
def launch():
    """Return a function that starts the agent in a process, which is gone after the test."""
    processes = []

    def launch(*arguments, **environment):
        command = [sys.executable, "-m", "jaeger_like", "all-in-one", *FREE, *arguments]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        processes.append(process)
        return process

    yield launch
    for process in processes:
        process.kill()
        process.communicate()


def send(port, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(data, ("127.0.0.1", port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trace_is_printed_and_a_signal_ends_it_with_0(launch, number):
    process = launch("--json-ports", "--quiet-after", "0.05")
    ports = json.loads(process.stdout.readline())
    assert ports["host"] == "127.0.0.1"
    send(ports["compact_port"], vectors.COMPACT)
    assert process.stdout.readline() == "\n"
    assert process.stdout.readline().startswith("trace 11121314151617180102030405060708  1 span")
    assert "svc op" in process.stdout.readline()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert process.stderr.read() == ""


@pytest.mark.parametrize("arguments", [[], ["--json-ports"], ["--host", "::1"]])
def test_it_ends_when_it_is_told_to(arguments, monkeypatch, capsys):
    announce = command._announce

    def announce_and_end(agent, as_json):
        announce(agent, as_json)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            if ":" not in agent.host:
                sock.sendto(vectors.COMPACT, (agent.host, agent.compact_port))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(command, "_announce", announce_and_end)
    status = main(["all-in-one", *FREE, *arguments])
    printed = capsys.readouterr()
    if status:
        assert "::1" in printed.err  # no IPv6 here
        return
    if arguments == ["--host", "::1"]:
        assert "http://[::1]:" in printed.out
    else:
        assert "\n\ntrace 11121314151617180102030405060708" in printed.out


@pytest.mark.parametrize("stream", [io.StringIO, lambda: io.TextIOWrapper(io.BytesIO(), "ascii")])
def test_standard_output_may_be_anything(stream, monkeypatch):
    announced = stream()
    monkeypatch.setattr(sys, "stdout", announced)
    monkeypatch.setattr(command, "_announce", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert main(["all-in-one", *FREE]) == 0
    assert isinstance(announced, io.StringIO) or announced.errors == "backslashreplace"


def test_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jaeger-like", "--version"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / "jaeger_like" / "__main__.py"), run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("jaeger-like ")


def test_an_interrupt_at_the_wrong_time_is_an_end_like_any_other(monkeypatch):
    def interrupted(coroutine):
        coroutine.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)
    assert main(["all-in-one", *FREE]) == 0


def test_the_first_line_names_all_addresses(launch):
    process = launch("--no-print")
    line = process.stdout.readline()
    assert line.startswith("ready: UDP 127.0.0.1:")
    url = line.split("traces ")[1].strip()
    with urllib.request.urlopen(url + "api/services", timeout=10) as answer:
        assert json.load(answer)["data"] == []
    process.terminate()
    assert process.wait(10) == 0
    assert process.stdout.read() == ""


def test_names_that_the_terminal_cannot_show(launch):
    process = launch("--json-ports", "--quiet-after", "0", PYTHONIOENCODING="ascii")
    ports = json.loads(process.stdout.readline())
    batch = vectors.thrift_batch(vectors.thrift_span(operation="größe"))
    send(ports["compact_port"], vectors.encode(batch))
    lines = [process.stdout.readline() for _ in range(3)]
    assert r"gr\xf6\xdfe" in lines[2]


def test_a_strategies_file(launch, tmp_path):
    path = tmp_path / "s.json"
    path.write_text('{"default_strategy": {"type": "probabilistic", "param": 0.25}}')
    process = launch("--json-ports", "--sampling-strategies", str(path))
    port = json.loads(process.stdout.readline())["sampling_port"]
    url = f"http://127.0.0.1:{port}/sampling?service=x"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert json.load(answer)["probabilisticSampling"] == {"samplingRate": 0.25}


def test_a_port_that_is_taken(capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        assert main(["all-in-one", *FREE, "--udp-binary-port", port]) == 1
    error = capsys.readouterr().err
    assert f"port {port}: Address already in use" in error
    assert "--udp-binary-port" in error


def test_a_host_that_is_not_there(capsys):
    assert main(["all-in-one", *FREE, "--host", "no-such-host.invalid"]) == 1
    assert "(--host)" in capsys.readouterr().err


def test_a_strategies_file_that_is_not_there(capsys, tmp_path):
    missing = str(tmp_path / "none.json")
    assert main(["all-in-one", *FREE, "--sampling-strategies", missing]) == 1
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["all-in-one", "--query-port", "70000"],
        ["all-in-one", "--query-port", "x"],
        ["all-in-one", "--max-spans", "0"],
        ["all-in-one", "--quiet-after", "-1"],
        ["all-in-one", "--quiet-after", "nan"],
        ["all-in-one", "--quiet-after", "soon"],
    ],
)
def test_arguments_that_cannot_be(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["all-in-one", "--help"], ["--version"]])
def test_questions(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert "jaeger-like" in capsys.readouterr().out


def test_help_needs_no_tornado():
    program = (
        "import sys\nfrom jaeger_like.__main__ import main\n"
        "try: main(['all-in-one', '--help'])\nexcept SystemExit: pass\n"
        "assert 'tornado' not in sys.modules and 'thrift' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)

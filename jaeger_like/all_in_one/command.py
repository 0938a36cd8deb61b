"""The command ``all-in-one``: options, what is printed, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import signal
import sys
from typing import Any

from jaeger_like.errors import ConfigError

from .ports import DEFAULT_PORTS

# Parameter of AllInOne: option, what listens there.
_PORTS = {
    "compact_port": ("--udp-compact-port", "UDP port for batches in compact protocol"),
    "binary_port": ("--udp-binary-port", "UDP port for batches in binary protocol"),
    "sampling_port": ("--sampling-port", "HTTP port for sampling strategies and credits"),
    "collector_port": ("--collector-port", "HTTP port for batches, POST /api/traces"),
    "query_port": ("--query-port", "HTTP port for the page and the query API"),
}

_DESCRIPTION = """\
An agent for the desk: takes spans where Jaeger's agent and collector do, keeps the newest
traces in memory, prints each one as a tree once it is quiet, and shows them in a browser.
Nothing is stored on disk. Ends with Ctrl-C."""


def add_parser(subparsers: Any) -> None:
    """Add the command and its options to a command line."""
    parser = subparsers.add_parser(
        "all-in-one",
        help="run an embedded agent that shows traces in the terminal and in a browser",
        description=_DESCRIPTION,
    )
    add = parser.add_argument
    shown = "(default: %(default)s)"
    add("--host", default="127.0.0.1", help=f"address to listen on; 0.0.0.0 for all {shown}")
    for name, (option, use) in _PORTS.items():
        add(
            option,
            dest=name,
            type=_port,
            default=DEFAULT_PORTS[name],
            metavar="PORT",
            help=f"{use}; 0: any free one {shown}",
        )
    add(
        "--sampling-strategies",
        metavar="FILE",
        help="JSON file in Jaeger's format (default: every trace is sampled)",
    )
    limit = {"type": _positive, "metavar": "N"}
    add("--max-traces", default=1000, help=f"traces kept in memory {shown}", **limit)
    add("--max-spans", default=100_000, help=f"spans kept in memory {shown}", **limit)
    add(
        "--quiet-after",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help=f"print a trace after so long without a new span {shown}",
    )
    add("--no-print", action="store_true", help="do not print traces")
    add(
        "--json-ports",
        action="store_true",
        help="announce the addresses in one line of JSON, for programs",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the agent until SIGINT or SIGTERM; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of operations are any Unicode
            stream.reconfigure(errors="backslashreplace")
    try:
        return asyncio.run(_main(options))
    except KeyboardInterrupt:  # before our handler was in place
        return 0


async def _main(options: argparse.Namespace) -> int:
    ending = asyncio.Event()
    _on_signals(ending.set)
    from .app import AllInOne, PortError  # --help needs no tornado
    from .strategies import Strategies

    path = options.sampling_strategies
    try:
        agent = AllInOne(
            options.host,
            **{name: getattr(options, name) for name in _PORTS},
            strategies=None if path is None else Strategies.load(path),
            max_traces=options.max_traces,
            max_spans=options.max_spans,
            show=None if options.no_print else _print_trace,
            quiet_after=options.quiet_after,
        )
        agent.start()
    except ConfigError as error:
        return _fail(str(error))
    except PortError as error:
        if error.name == "host":
            return _fail(f"{error} (--host)")
        return _fail(f"{error}; choose another with {_PORTS[error.name][0]}, 0 takes a free one")
    _announce(agent, options.json_ports)
    await ending.wait()
    await agent.stop()
    return 0


def _on_signals(callback: Any) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":  # pragma: no cover  its loops know no signals
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))
        else:
            loop.add_signal_handler(number, callback)


def _announce(agent: Any, as_json: bool) -> None:
    """The first line that is printed; the agent is ready then."""
    host = f"[{agent.host}]" if ":" in agent.host else agent.host
    if as_json:
        print(json.dumps({"host": agent.host, **agent.ports}), flush=True)
        return
    print(
        f"ready: UDP {host}:{agent.compact_port} (compact) {host}:{agent.binary_port} (binary), "
        f"sampling http://{host}:{agent.sampling_port}/sampling, "
        f"collector http://{host}:{agent.collector_port}/api/traces, "
        f"traces http://{host}:{agent.query_port}/",
        flush=True,
    )


def _print_trace(text: str) -> None:
    print("\n" + text, flush=True)


def _fail(message: str) -> int:
    print(f"jaeger-like all-in-one: {message}", file=sys.stderr)
    return 1


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"not a port from 0 to 65535: {text!r}")
    return port


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"not a positive number: {text!r}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"not a number of seconds from 0 to 3600: {text!r}")
    return seconds

"""The peers: what each is, what it needs, how it is built and started."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

CROSSDOCK = Path(__file__).resolve().parent.parent
FOLDER = CROSSDOCK / "peers"
START_SECONDS = 60.0


@dataclass(frozen=True)
class Peer:
    """A server with one client in it.

    :ivar name: as it stands in tables
    :ivar client: the client and its version
    :ivar propagations: the formats that the client has
    :ivar tools: programs without which it cannot be built
    :ivar folder: where its files are, below ``peers/``; empty for this project's own server
    :ivar builds: command lines that build it, started in its folder
    :ivar sources: patterns of the files on which the build depends
    :ivar product: the file that is there once it is built
    :ivar command: starts it, from its folder
    """

    name: str
    client: str
    propagations: tuple[str, ...]
    command: tuple[str, ...]
    tools: tuple[str, ...] = ()
    folder: str = ""
    builds: tuple[tuple[str, ...], ...] = ()
    sources: tuple[str, ...] = ()
    product: str = ""

    @property
    def path(self) -> Path:
        """The folder from which the peer is built and started."""
        return FOLDER / self.folder if self.folder else CROSSDOCK

    @property
    def ready(self) -> bool:
        """Whether it can be started."""
        return not self.product or (self.path / self.product).exists()


PEERS = (
    Peer(
        name="this",
        client="jaeger_like, this checkout",
        propagations=("jaeger", "b3", "b3-single", "w3c"),
        command=(sys.executable, "server.py", "--port", "0", "--until-stdin-closes"),
    ),
    Peer(
        name="go",
        client="github.com/uber/jaeger-client-go 2.30.0",
        propagations=("jaeger", "b3"),
        tools=("go",),
        folder="go",
        builds=(("go", "build", "-trimpath", "-mod=readonly", "-o", "build/peer", "."),),
        sources=("*.go", "go.mod", "go.sum"),
        product="build/peer",
        command=("build/peer",),
    ),
    Peer(
        name="node",
        client="jaeger-client 3.19.0 (npm)",
        propagations=("jaeger", "b3"),
        tools=("node", "npm"),
        folder="node",
        builds=(("npm", "ci", "--silent", "--no-audit", "--no-fund"),),
        sources=("package.json", "package-lock.json"),
        product="node_modules/.package-lock.json",
        command=("node", "server.js"),
    ),
    Peer(
        name="java",
        client="io.jaegertracing:jaeger-client 1.8.1",
        propagations=("jaeger", "b3", "w3c"),
        tools=("javac", "mvn"),
        folder="java",
        builds=(("mvn", "-q", "-B", "package"),),
        sources=("pom.xml", "src/**/*.java"),
        product="target/peer.jar",
        command=("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", "target/peer.jar"),
    ),
    Peer(
        name="python-old",
        client="jaeger-client 4.8.0 (PyPI)",
        propagations=("jaeger", "b3"),
        folder="python_old",
        builds=(
            (sys.executable, "-m", "venv", "--clear", "venv"),
            ("venv/bin/python", "-m", "pip", "install", "-q", "-r", "requirements.txt"),
        ),
        sources=("requirements.txt",),
        product="venv/bin/python",
        command=("venv/bin/python", "-W", "ignore::DeprecationWarning", "server.py"),
    ),
)


def missing_tools(peer: Peer) -> list[str]:
    """Return the programs that *peer* needs and this machine does not have."""
    return [tool for tool in peer.tools if shutil.which(tool) is None]


def choose(names: list[str]) -> tuple[list[Peer], list[Peer]]:
    """Return the peers of these *names*, or all: those that are ready, and those that are not.

    Ends the program if there is no such peer.
    """
    unknown = set(names) - {peer.name for peer in PEERS}
    if unknown:
        sys.exit(f"there is no peer {', '.join(sorted(unknown))}")
    wanted = [peer for peer in PEERS if not names or peer.name in names]
    return [peer for peer in wanted if peer.ready], [peer for peer in wanted if not peer.ready]


class RunningPeer:
    """A peer's process; started by :meth:`start`, ended by :meth:`stop`."""

    def __init__(self, peer: Peer, process: asyncio.subprocess.Process, port: int) -> None:
        self.peer = peer
        self.port = port
        self._process = process

    @classmethod
    async def start(cls, peer: Peer, agent_port: int) -> RunningPeer:
        """Start *peer*, whose spans shall go to *agent_port* of 127.0.0.1, and wait for its port.

        Raises a ``RuntimeError`` if it does not say one within a minute.
        """
        root = str(CROSSDOCK.parent)
        environment = {
            **os.environ,
            "JAEGER_AGENT_HOST": "127.0.0.1",
            "JAEGER_AGENT_PORT": str(agent_port),
            "JAEGER_SERVICE_NAME": f"crossdock-{peer.name}",
        }
        if not peer.folder:
            environment["PYTHONPATH"] = os.pathsep.join(
                filter(None, [root, os.environ.get("PYTHONPATH")])
            )
        process = await asyncio.create_subprocess_exec(
            *peer.command,
            cwd=peer.path,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            word, port = line.decode().split()
            if word != "PORT":
                raise ValueError(line)
            return cls(peer, process, int(port))
        except (ValueError, asyncio.TimeoutError) as exc:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise RuntimeError(f"{peer.name} did not start: {exc}") from exc

    async def stop(self) -> None:
        """Close its standard input and wait until it has sent what it had; else kill it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 20)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()

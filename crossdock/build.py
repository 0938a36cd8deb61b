"""Builds the peers of the crossdock for which this machine has the tools, each once.

    python crossdock/build.py            what can be built; says what was skipped and why
    python crossdock/build.py --all      fails if one cannot
    python crossdock/build.py go java    only these

Versions are pinned in ``go.sum``, ``package-lock.json``, ``pom.xml`` and ``requirements.txt``. What
was built from the same files is not built again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time

from driver.peers import Peer, choose, missing_tools

STAMP = ".built"


def fingerprint(peer: Peer) -> str:
    """Return a digest of everything that the build of *peer* depends on."""
    # Which Python builds is told by its version: where it is does not matter.
    commands = repr(peer.builds).replace(sys.executable, "python")
    digest = hashlib.sha256(repr((commands, sys.version_info[:2])).encode())
    for pattern in peer.sources:
        for path in sorted(peer.path.glob(pattern)):
            digest.update(str(path.relative_to(peer.path)).encode() + path.read_bytes())
    return digest.hexdigest()


def build(peer: Peer) -> str:
    """Build *peer* unless that is done, and say what happened.

    Raises a ``RuntimeError`` that says why, if it cannot be built.
    """
    if not peer.builds:
        return "nothing to build"
    stamp = peer.path / STAMP
    wanted = fingerprint(peer)
    if peer.ready and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return "built before"
    missing = missing_tools(peer)
    if missing:
        raise RuntimeError(f"this machine has no {' and no '.join(missing)}")
    stamp.unlink(missing_ok=True)
    began = time.monotonic()
    for command in peer.builds:
        done = subprocess.run(
            command,
            cwd=peer.path,
            env={**os.environ, "GOWORK": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            raise RuntimeError(f"{' '.join(command[:2])} failed with status {done.returncode}")
    stamp.write_text(wanted, encoding="utf-8")
    return f"built in {time.monotonic() - began:.1f} s"


def main() -> int:
    """Build, print a line for each peer, and return the status of the process."""
    parser = argparse.ArgumentParser(description="build the crossdock's peers")
    parser.add_argument("--all", action="store_true", help="fail if one cannot be built")
    parser.add_argument("peers", nargs="*", help="only these", metavar="PEER")
    arguments = parser.parse_args()
    ready, unready = choose(arguments.peers)
    failed = skipped = 0
    for peer in (*ready, *unready):
        try:
            print(f"{peer.name:12} {build(peer)}", flush=True)
        except RuntimeError as exc:
            print(f"{peer.name:12} skipped: {exc}", flush=True)
            skipped += 1
            # Having the tools, and failing all the same, is no matter of the machine.
            failed += not missing_tools(peer)
    return 1 if failed or (arguments.all and skipped) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Asks the real Jaeger whether this client does what it claims.

Builds and starts Jaeger 1.57 (agent, collector, query) and Jaeger 2.13 on loopback, runs traced
programs against each, and compares what they did with what the backend has. Prints a line for each
check and ends with a status other than 0 if one is wrong.

    python crossdock/backend/check.py [--only v1|v2] [--require] [--write] [--build]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from pathlib import Path

from proof import arrival, building, fidelity, loss, report, sampling
from proof.results import Result, as_text
from proof.servers import KINDS

CHECKS = ("fidelity", "sampling", "arrival", "loss")


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=sorted(KINDS), help="one of the two backends")
    parser.add_argument("--part", choices=CHECKS, help="one of the checks")
    parser.add_argument("--spans", type=int, default=100_000, help="of the run without loss")
    parser.add_argument("--build", action="store_true", help="build the backends and stop")
    parser.add_argument(
        "--require", action="store_true", help="fail, not skip, when a backend cannot be built"
    )
    parser.add_argument("--write", action="store_true", help="write the result into README.md")
    options = parser.parse_args()
    results: list[Result] = []
    skipped = False
    for name in [options.only] if options.only else sorted(KINDS):
        try:
            need("opentelemetry.proto", "pip install '.[otlp]'")
            binary, seconds = building.build(name)
        except building.Unavailable as reason:
            print(f"{name}  skipped: {reason}")
            skipped = True
            continue
        version = building.module_version(name)
        print(f"{name}  Jaeger module {version}, built in {seconds:.0f} s", flush=True)
        if not options.build:
            results += run(name, binary, options.part, options.spans)
    wrong = [each for each in results if each.wrong]
    if not options.build:
        print(f"{len(results) - len(wrong)} passed, {len(wrong)} failed")
    if options.write and results:
        report.write(results)
    return 1 if wrong or (skipped and options.require) else 0


def need(module: str, remedy: str) -> None:
    """Find a Python module that is optional for this client.

    :raises building.Unavailable: it is not installed
    """
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # not even its package
        found = None
    if found is None:
        raise building.Unavailable(f"there is no Python module {module}: {remedy}")


def run(name: str, binary: Path, part: str | None, spans: int) -> list[Result]:
    """Start one backend and run the checks against it."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="jaeger-backend-") as folder:
        started = time.monotonic()
        backend = KINDS[name](binary, Path(folder))
        try:
            for check in [part] if part else CHECKS:
                if check == "fidelity":
                    found = fidelity.check(name, backend)
                elif check == "sampling":
                    found = sampling.check(name, backend)
                elif check == "arrival":
                    found = arrival.check(name, backend, spans)
                else:
                    found = loss.check(name, backend)
                for each in found:
                    print(as_text(each), flush=True)
                results += found
        finally:
            backend.stop()
            if any(each.wrong for each in results) or sys.exc_info()[0]:
                tail = backend.log.read_text(encoding="utf-8", errors="replace")[-3000:]
                print(f"{name}  the end of its log:\n{tail}")
        print(f"{name}  {time.monotonic() - started:.0f} s")
    return results


if __name__ == "__main__":
    sys.exit(main())

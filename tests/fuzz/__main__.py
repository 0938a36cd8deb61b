"""Fuzz for a while: ``python -m tests.fuzz --seconds 600 [--target NAME ...]``.

With atheris (libFuzzer, which follows the branches that an input takes) if it is installed, else
with hypothesis. The seconds are shared by the targets. Ends with 1 at the first mistake, and tells
where the input is; put it into ``tests/fuzz/corpus/TARGET/`` when the mistake is mended.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main():
    arguments = _arguments()
    if arguments.worker:
        with_atheris = importlib.util.find_spec("atheris") and not arguments.no_atheris
        run = _run_atheris if with_atheris else _run_hypothesis
        return run(arguments.target[0], arguments.seconds, arguments.found)
    from .targets import TARGETS

    targets = arguments.target or list(TARGETS)
    found = tempfile.mkdtemp(prefix="jaeger-like-fuzz-")
    for name in targets:
        # Processes of their own: libFuzzer ends the one that it runs in.
        completed = subprocess.run(
            [
                sys.executable, "-m", "tests.fuzz", "--worker", "--target", name, "--found", found,
                "--seconds", str(max(1, round(arguments.seconds / len(targets)))),
                *(["--no-atheris"] if arguments.no_atheris else []),
            ],
            check=False,
        )  # fmt: skip
        if completed.returncode:
            print(f"{name}: a mistake, see above and {found}")
            return 1
    shutil.rmtree(found)
    print(f"{len(targets)} targets, no mistake")
    return 0


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--target", action="append", help="of tests/fuzz/targets.py; default: all")
    parser.add_argument("--no-atheris", action="store_true", help="use hypothesis in any case")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--found", default=".", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_atheris(name, seconds, found):
    import atheris

    with atheris.instrument_imports(
        include=["jaeger_like", "thrift"], enable_loader_override=False
    ):
        from .targets import CORPUS, MAX_LENGTH, TARGETS
    options = [
        f"-max_total_time={round(seconds)}",
        f"-max_len={MAX_LENGTH}",
        "-timeout=10",  # seconds for one input; the instrumented code is slow
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=0",
        f"-artifact_prefix={found}/{name}-",
    ]
    new = Path(found) / f"corpus-{name}"
    new.mkdir(exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(new), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()  # does not return


def _run_hypothesis(name, seconds, found):
    from hypothesis import HealthCheck, given, settings

    from .mutation import inputs
    from .targets import check, corpus

    deadline = time.monotonic() + seconds
    tried = 0
    last = b""

    @settings(
        max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(inputs(corpus(name)))
    def once(data):
        nonlocal tried, last
        tried += 1
        last = data
        check(name, data)

    try:
        while time.monotonic() < deadline:
            once()
    except BaseException:
        (Path(found) / f"{name}-mistake").write_bytes(last)
        raise
    print(f"{name}: {tried} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())

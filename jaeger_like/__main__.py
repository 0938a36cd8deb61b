"""The command line: ``python -m jaeger_like``, also installed as ``jaeger-like``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jaeger_like._version import __version__
from jaeger_like.all_in_one.command import add_parser
from jaeger_like.encoding.encoder import encoder_name


def version_text() -> str:
    """Return the version, and which encoder is in use: the C module or the one in Python."""
    return f"jaeger-like {__version__} (encoder: {encoder_name()})"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status.

    :param argv: arguments without the program's name; None takes those of the process
    :raises SystemExit: for ``--help``, ``--version`` (0) and for arguments that cannot be (2)
    """
    parser = argparse.ArgumentParser(
        prog="jaeger-like", description="Tools that come with the tracing client jaeger_like."
    )
    parser.add_argument("--version", action="version", version=version_text())
    add_parser(parser.add_subparsers(dest="command", metavar="COMMAND", required=True))
    options = parser.parse_args(argv)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())

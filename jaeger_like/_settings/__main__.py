"""Prints the documentation of all settings: ``python -m jaeger_like._settings``."""

from __future__ import annotations

import sys

from .document import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())

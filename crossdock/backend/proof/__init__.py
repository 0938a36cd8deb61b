"""The checks against real Jaeger backends; ``check.py`` above runs them."""

from __future__ import annotations

import sys
from pathlib import Path

#: The client under test is that of the checkout, whatever else is installed.
CHECKOUT = Path(__file__).resolve().parents[3]

if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

"""The one place where the version stands. setup.py reads this file as text and never imports it."""

__version__ = "1.0.0"

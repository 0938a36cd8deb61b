"""Typical user calls."""

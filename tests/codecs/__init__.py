"""Tests of jaeger_like.codecs."""

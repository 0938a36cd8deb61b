"""The two suites that OpenTracing gives to implementers, as they are."""

from __future__ import annotations

import unittest

from opentracing.harness.api_check import APICompatibilityCheckMixin
from opentracing.harness.scope_check import ScopeCompatibilityCheckMixin

from jaeger_like import ConstSampler, Tracer
from jaeger_like.reporter import NullReporter
from jaeger_like.scope_manager import ContextVarScopeManager


class TestAPI(APICompatibilityCheckMixin, unittest.TestCase):
    def tracer(self):
        return Tracer("svc", NullReporter(), ConstSampler(True))

    def check_baggage_values(self):
        return True

    def is_parent(self, parent, span):
        return span.parent_id == (parent.span_id if parent else None)


class TestScopeManager(ScopeCompatibilityCheckMixin, unittest.TestCase):
    def scope_manager(self):
        return ContextVarScopeManager()

    def run_test(self, test_fn):
        # A scope that a test leaves open must not be active in the next one.
        import contextvars

        contextvars.copy_context().run(test_fn)


class TestAPINotSampled(TestAPI):
    """Programs must not notice the difference."""

    def tracer(self):
        return Tracer("svc", NullReporter(), ConstSampler(False))


def test_nothing_of_the_suites_is_left_out():
    loader = unittest.TestLoader()
    assert len(loader.getTestCaseNames(TestAPI)) == 25
    assert len(loader.getTestCaseNames(TestScopeManager)) == 8

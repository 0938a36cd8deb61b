"""What the tests of late binding share."""

from __future__ import annotations

from ..core.support import new_tracer

TAGS = {"sampler.type": "mine", "sampler.param": 1}


class ByName:
    """Samples the operation ``wanted`` only; knows nothing of late binding."""

    def __init__(self):
        self.asked = []

    def is_sampled(self, trace_id, operation=""):
        self.asked.append(operation)
        return operation == "wanted", TAGS

    def close(self):
        pass


def late_tracer(sampler=None, **settings):
    return new_tracer(sampler or ByName(), operation_name_late_binding=True, **settings)


def names(tracer):
    return [span.operation_name for span in tracer.reporter.get_spans()]

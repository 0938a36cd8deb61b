"""A traced program, as a user would write it, that does what it is told on its standard input.

One JSON object a line: the first is ``{"service": ..., "config": {...}}``, each other one
``{"do": ..., ...}`` and is answered by a line. At the end of its input the program ends as programs
do: nothing is flushed or closed, what was finished has to arrive all the same.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any, Callable

from jaeger_like import Config
from jaeger_like.metrics import MetricsFactory

from . import shapes


class Counting(MetricsFactory):
    """Counters in a mapping, by name and tag values, as ``jaeger:reporter_spans.ok``."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def create_counter(self, name: str, tags: Any = None) -> Callable[[Any], None]:
        key = ".".join([name, *(value for _, value in sorted((tags or {}).items()))])

        def count(number: Any) -> None:
            self.counts[key] += number

        return count


class Program:
    """What can be asked for, a method each."""

    def __init__(self, service: str, config: dict[str, Any]) -> None:
        self._metrics = Counting()
        self._service = service
        tracer = Config(
            config, service_name=service, metrics_factory=self._metrics, validate=True
        ).initialize_tracer()
        assert tracer is not None
        self._tracer = tracer
        self._number = 0

    def shapes(self, number: int) -> dict[str, Any]:
        """Make a span of every shape and tell what each has to look like."""
        return {
            "service": self._service,
            "process": [shapes.tag(key, value) for key, value in sorted(self._tracer.tags.items())],
            "spans": shapes.make(self._tracer, number),
        }

    def roots(self, operation: str, count: int) -> dict[str, Any]:
        """Start traces; tell how many were sampled, and by what."""
        sampled, tags, last = 0, set(), None
        for _ in range(count):
            span = self._tracer.start_span(operation)
            if span.is_sampled():
                sampled += 1
                last = span.trace_id
                found = {tag.key: tag for tag in span.tags}
                param = found["sampler.param"]
                # The generated Tag holds its value in one of these.
                value = next(v for v in (param.vDouble, param.vLong, param.vBool) if v is not None)
                tags.add((found["sampler.type"].vStr, value))
            span.finish()
        return {"sampled": sampled, "tags": sorted(tags), "trace_id": last}

    def roots_for(self, operation: str, seconds: float) -> dict[str, Any]:
        """Start traces for so long; tell how many were sampled, and how long it really took."""
        sampled = started = 0
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            span = self._tracer.start_span(operation)
            started += 1
            sampled += span.is_sampled()
            span.finish()
            time.sleep(0.0005)
        return {"started": started, "sampled": sampled, "seconds": time.monotonic() - begun}

    def many(self, traces: int, spans: int, rate: float) -> dict[str, Any]:
        """Make traces of so many spans each, at *rate* spans a second or, if 0, at once.

        Every span of the program has another number.
        """
        begun = time.monotonic()
        first = self._number
        for _ in range(traces):
            root = self._tracer.start_span("many", tags={"number": self._number})
            for _ in range(spans - 1):
                self._number += 1
                with self._tracer.start_span("one", child_of=root, tags={"number": self._number}):
                    pass
            root.finish()
            self._number += 1
            if rate:
                ahead = begun + (self._number - first) / rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
        return {"seconds": time.monotonic() - begun}

    def large(self, number_of_tags: int) -> dict[str, Any]:
        """Make a span with so many tags of 1,000 characters."""
        tags = {f"tag {number}": "x" * 1000 for number in range(number_of_tags)}
        with self._tracer.start_span("large", tags={"number": self._number, **tags}) as span:
            self._number += 1
        return {"trace_id": span.trace_id}

    def flush(self) -> dict[str, Any]:
        return {"flushed": self._tracer.flush(30)}

    def counts(self) -> dict[str, Any]:
        return dict(self._metrics.counts)


def main() -> None:
    program = Program(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(program, asked.pop("do"))(**asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

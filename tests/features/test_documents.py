"""What the pages show, runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jaeger_like.testing import RecordingAgent

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def programs(page, number):
    """Return the Python on a page, and see that none was overlooked."""
    found = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(found) == number
    return found


def run(lines, **environ):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environ},
    )


def test_the_examples_of_migrating_run_one_after_the_other():
    done = run(programs(DOCS / "migrating.md", 5))
    assert (done.returncode, done.stdout, done.stderr) == (0, "renamed to /buy\n", "")


# Every configuration on a page is checked, and a tracer made of it.
CHECKED = """
import jaeger_like, opentracing
class Config(jaeger_like.Config):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, validate=True, **options)
        self.new_tracer().close()
        print(sorted(self.config))
token = "t"
"""


def test_the_examples_of_the_collector_are_configurations():
    pytest.importorskip("opentelemetry.proto")
    done = run([CHECKED, *programs(DOCS / "collector.md", 3)])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "['auth_token', 'endpoint']",
        "['endpoint', 'protocol']",
        "['endpoint', 'tls']",
    ]


def test_the_examples_of_propagation_run():
    start = """
class request:
    headers = {"uber-trace-id": "1:2:0:1"}
tracer = jaeger_like.Tracer(
    "shop", jaeger_like.reporter.InMemoryReporter(), jaeger_like.ConstSampler(True))
span = tracer.start_span("ask")
"""
    end = """
assert headers["uber-trace-id"].startswith(f"{span.trace_id:x}:{span.span_id:x}:")
assert context.trace_id == 1 and tracer.active_span.parent_id == 2
"""
    done = run(
        [CHECKED, "import jaeger_like.reporter", start, *programs(DOCS / "propagation.md", 2), end]
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "['propagation']\n", "")


def test_the_examples_of_the_readme_run_and_their_spans_arrive():
    start, wait, between, tests = programs(ROOT / "README.md", 4)
    work = """
with tracer.start_active_span("checkout"):
    tracer.start_span("pay").finish()
"""
    assert "\n...\n" in tests
    with RecordingAgent() as agent:
        done = run(
            [
                start,
                "import opentracing; span = scope.span; headers = {}",
                between,
                "assert context.trace_id == span.trace_id",
                wait,
                tests.replace("\n...\n", work),
            ],
            JAEGER_AGENT_HOST="127.0.0.1",
            JAEGER_AGENT_PORT=str(agent.port),
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        names = sorted(span.operation_name for span in agent.wait_for(2))
    assert names == ["checkout", "pay"]


@pytest.mark.parametrize(
    "page", sorted([ROOT / "README.md", *DOCS.glob("*.md")]), ids=lambda p: p.name
)
def test_the_pages_that_are_linked_exist(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target

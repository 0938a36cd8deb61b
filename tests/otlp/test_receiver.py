"""The OTLP receiver of the OpenTelemetry Collector takes what is sent, and understands it.

It is built from Go source in ``receiver/``. Done once, this makes the test run:
``cd tests/otlp/receiver && go mod download``.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import opentracing
import pytest

from jaeger_like import Config

SOURCE = Path(__file__).parent / "receiver"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    """The running receiver: its address, and the file that it writes JSON lines to."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no go to build the collector's receiver with")
    program = tmp_path_factory.mktemp("go") / "receiver"
    # Off the network: who wants the test has downloaded the modules.
    offline = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    built = subprocess.run(
        [go, "build", "-o", str(program), "."],
        cwd=SOURCE,
        env=offline,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if built.returncode:
        pytest.skip(f"the receiver was not built: {built.stderr.strip()[-200:]}")
    with subprocess.Popen(
        [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process.stdout.readline().strip(), process.stdout
        process.stdin.close()
        assert process.wait(20) == 0


def attributes(holder):
    return {item["key"]: item["value"] for item in holder.get("attributes", ())}


@pytest.mark.slow
def test_the_collectors_receiver_understands_every_field(receiver):
    address, lines = receiver
    tracer = Config(
        {
            "endpoint": f"http://{address}",
            "protocol": "otlp",
            "sampler": {"type": "const", "param": 1},
            "generate_128bit_trace_id": True,
            "tags": {"hostname": "h1", "client-uuid": "u1"},
        },
        service_name="shop",
    ).new_tracer()
    other = tracer.start_span("other", ignore_active_span=True)
    with tracer.start_active_span("buy", ignore_active_span=True) as scope:
        parent = scope.span
        try:
            with tracer.start_active_span(
                "pay",
                references=[opentracing.child_of(parent), opentracing.follows_from(other.context)],
                tags={"span.kind": "client", "s": "ä", "i": -3, "d": 1.5, "b": True},
            ) as inner:
                child = inner.span
                child.log_kv({"event": "asked", "items": 2})
                raise KeyError("card")
        except KeyError:
            pass
    assert tracer.flush(20)
    assert tracer.close().result(20)

    (group,) = json.loads(lines.readline())["resourceSpans"]
    resource = attributes(group["resource"])
    assert resource["service.name"] == {"stringValue": "shop"}
    assert resource["host.name"] == {"stringValue": "h1"}
    assert resource["service.instance.id"] == {"stringValue": "u1"}
    (scope_spans,) = group["scopeSpans"]
    assert scope_spans["scope"]["name"] == "jaeger_like"
    pay, buy = scope_spans["spans"]
    assert buy["traceId"] == pay["traceId"] == f"{parent.trace_id:032x}"
    assert buy["spanId"] == pay["parentSpanId"] == f"{parent.span_id:016x}"
    assert not buy.get("parentSpanId")
    assert pay["spanId"] == f"{child.span_id:016x}"
    assert (pay["name"], pay["kind"], pay["flags"]) == ("pay", 3, 1)
    assert int(pay["endTimeUnixNano"]) >= int(pay["startTimeUnixNano"]) > 1_600_000_000 * 10**9
    found = attributes(pay)
    assert found == {
        "s": {"stringValue": "ä"},
        "i": {"intValue": "-3"},
        "d": {"doubleValue": 1.5},
        "b": {"boolValue": True},
    }
    (link,) = pay["links"]
    assert link["traceId"] == f"{other.trace_id:032x}"
    assert link["spanId"] == f"{other.span_id:016x}"
    assert attributes(link) == {"opentracing.ref_type": {"stringValue": "follows_from"}}
    assert pay["status"] == {"code": 2, "message": "'card'"}
    asked, error = pay["events"]
    assert (asked["name"], attributes(asked)) == ("asked", {"items": {"intValue": "2"}})
    assert error["name"] == "error"
    assert attributes(error)["error.kind"]["stringValue"]

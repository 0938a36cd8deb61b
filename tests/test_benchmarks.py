"""The scripts of ``benchmarks/`` work; how fast anything is, they tell only when they are run."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import jaeger_like

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PACKAGE = Path(jaeger_like.__file__).parent.parent

SENT = ("caller", "wire", "threads", "firehose")
EXPECTED = {
    "unsampled": {"us", "explicit_us"},
    "caller": {"us", "explicit_us", "created", "warmed"},
    "wire": {"cpu", "created", "warmed"},
    "threads": {"cpu", "created", "warmed"},
    "firehose": {"created", "warmed", "wall_seconds", "cpu"},
    "propagation": {"us", "inject_us", "extract_us"},
    "startup": {"cpu", "modules", "threads", "bytes", "sent_cpu", "sent_threads"},
    "memory": {"bytes"},
    "jitter": {"per_second", "extra_p50_ms", "extra_p99_ms", "extra_p999_ms"},
    "waiting": {"us_at_0", "us_at_100", "us_at_400"},
    "tags": {"us_at_1", "us_at_10", "us_at_100"},
    "operations": {"us_at_1", "us_at_100", "us_at_10000"},
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the workers read /proc")


@pytest.fixture(scope="module")
def scripts():
    """The modules of the scripts, importable as they are for each other."""
    names = ("peers", "measuring", "workloads", "figures", "report", "chart", "environments", "run")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in [n for n in sys.modules if n.split(".")[0] in names]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def sink(scripts):
    """A running receiver."""
    with scripts["run"].running_sink(Path(sys.executable)) as sink:
        yield sink


def work(sink, workload: str, peer: str) -> dict:
    """What a worker prints for tiny counts."""
    command = [sys.executable, str(BENCHMARKS / "worker.py"), workload, peer, "tiny"]
    environment = {key: value for key, value in os.environ.items() if "JAEGER" not in key}
    run = subprocess.run(
        [*command, str(sink.udp), str(sink.http)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**environment, "PYTHONPATH": str(PACKAGE)},
    )
    return json.loads(run.stdout.splitlines()[-1])


def test_every_workload_is_expected_here(scripts):
    assert list(scripts["workloads"].WORKLOADS) == list(EXPECTED)


@pytest.mark.parametrize("workload", EXPECTED)
def test_a_worker_measures_jaeger_like(scripts, sink, workload):
    sink.ask("reset")
    measured = work(sink, workload, "jaeger_like")
    assert set(measured) >= EXPECTED[workload]
    assert measured["encoder"] in ("c", "pure")
    if workload in SENT:
        report = sink.settled()
        assert report["spans"] == measured["created"] + measured["warmed"]
        assert report["refused"] == 0


@pytest.mark.parametrize("peer", ["noop", "empty"])
def test_a_worker_measures_the_floors(scripts, sink, peer):
    for workload in scripts["run"].WITH_FLOORS:
        assert set(work(sink, workload, peer)) >= EXPECTED[workload]


def test_every_figure_has_a_workload(scripts):
    for figure in scripts["figures"].FIGURES:
        assert figure.workload in EXPECTED, figure.title


# -- from numbers to tables ---------------------------------------------------------------------


def rounds(*pairs: tuple[float, float]) -> list[dict]:
    """Rounds in which jaeger_like and jaeger-client were measured."""
    return [
        {
            ("unsampled", "jaeger_like"): {"us": ours},
            ("unsampled", "jaeger_client"): {"us": theirs},
        }
        for ours, theirs in pairs
    ]


def unsampled(scripts):
    return next(f for f in scripts["figures"].FIGURES if f.workload == "unsampled")


def test_a_ratio_is_made_within_a_round(scripts):
    # The second round was ten times slower, for both.
    found = scripts["figures"].lines(unsampled(scripts), rounds((1, 10), (20, 100), (3, 10)))
    line = next(line for line in found if line.peer == "jaeger_like")
    assert (line.middle, line.least, line.most) == (3, 1, 20)
    assert line.ratio == pytest.approx(0.2)
    assert line.reached is True


@pytest.mark.parametrize(("ours", "reached"), [(2.1, True), (2.3, False)])
def test_a_target_is_reached_or_missed(scripts, ours, reached):
    found = scripts["figures"].lines(unsampled(scripts), rounds((ours, 10)))
    assert found[0].reached is reached


def test_the_table_names_what_was_missed(scripts):
    text = scripts["report"].tables(rounds((5, 10)))
    assert "missed" in text
    assert "reached" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123456.7, "123,457"),
        (12.34, "12.3"),
        (12, "12"),
        (1.234, "1.23"),
        (0.0456, "0.046"),
        (0, "0"),
        (-1.5, "-1.50"),
    ],
)
def test_numbers_have_the_digits_that_mean_something(scripts, value, text):
    assert scripts["report"].shown(value) == text


def test_the_chart_is_well_formed_and_shows_every_bar(scripts):
    chart = scripts["chart"]
    picture = ET.fromstring(chart.svg(chart.groups(rounds((1, 10), (2, 10)))))
    texts = [element.text for element in picture.iter() if element.tag.endswith("text")]
    assert "jaeger-client" in texts
    assert "jaeger_like, pure Python" in texts
    assert sum(element.tag.endswith("rect") for element in picture.iter()) == 3  # and the ground


def test_a_chart_of_nothing_is_a_picture_too(scripts):
    ET.fromstring(scripts["chart"].svg([]))


def test_peers_start_in_an_environment_without_their_variables(scripts, monkeypatch):
    monkeypatch.setenv("DD_TRACE_ENABLED", "false")
    monkeypatch.setenv("JAEGER_DISABLED", "true")
    clean = scripts["environments"].clean(A="b")
    assert clean["A"] == "b"
    assert not {"DD_TRACE_ENABLED", "JAEGER_DISABLED"} & set(clean)


def test_an_unknown_workload_is_refused_with_the_known_ones(scripts):
    with pytest.raises(SystemExit, match="unknown workload no; there are: a, b"):
        scripts["run"].chosen("no", ["a", "b"], "workload")

"""Contexts to and from Node's Jaeger client, the real one, in both directions.

It is installed with ``cd tests/interop/node && npm ci``; without it these tests are skipped.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaeger_like.codecs import TextCodec, propagation_codec
from jaeger_like.span_context import SpanContext

HERE = Path(__file__).parent / "node"

CODECS = {
    "text_map": TextCodec(url_encoding=False),
    "http_headers": TextCodec(url_encoding=True),
    "b3": propagation_codec("b3", url_encoding=True),
}
TRACE_IDS = st.integers(1, (1 << 128) - 1) | st.integers(1, (1 << 64) - 1)
SPAN_IDS = st.integers(1, (1 << 64) - 1)
# Both sides let keys be what they are, within what can be the name of a header. Ours reads names in
# lower case; Node's writes them so, with "-" for "_".
KEYS = st.from_regex(r"[a-z0-9!#$&'*+.^`|~-]{1,20}", fullmatch=True).filter(
    lambda key: key != "__proto__"
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
BAGGAGE = st.dictionaries(KEYS, TEXT, max_size=8)
FLAGS = st.sampled_from([0, 1, 3])

formats = pytest.mark.parametrize("name", list(CODECS))
# Another process answers, and may take its time.
unhurried = settings(deadline=None)


@pytest.fixture(scope="module")
def node():
    """A function that asks Node."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node")
    if not (HERE / "node_modules" / "jaeger-client").is_dir():
        pytest.skip("Node's jaeger-client is not installed: cd tests/interop/node && npm ci")
    with subprocess.Popen(
        [program, str(HERE / "peer.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:

        def ask(**question):
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()
        assert process.wait(20) == 0


def number(text):
    return None if text is None else int(text, 16)


@formats
@given(
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_id=st.none() | SPAN_IDS,
    flags=FLAGS,
    baggage=BAGGAGE,
)
@unhurried
def test_node_reads_what_we_write_and_we_read_it_back(
    node, name, trace_id, span_id, parent_id, flags, baggage
):
    if name == "b3":
        baggage = {}  # has no place there
    carrier = {}
    CODECS[name].inject(SpanContext(trace_id, span_id, parent_id, flags, baggage), carrier)
    found = node(do="read", format=name, carrier=carrier)
    assert number(found["trace"]) == trace_id
    assert number(found["span"]) == span_id
    assert number(found["parent"]) == parent_id
    assert found["flags"] == flags
    assert found["baggage"] == baggage
    back = CODECS[name].extract(found["carrier"])
    assert (back.trace_id, back.span_id, back.parent_id) == (trace_id, span_id, parent_id)
    assert back.flags == flags
    assert back.baggage == baggage


@formats
@given(baggage=BAGGAGE)
@unhurried
def test_we_read_what_node_makes(node, name, baggage):
    made = node(do="start", format=name, baggage=baggage)
    found = CODECS[name].extract(made["carrier"])
    assert found.trace_id == number(made["trace"])
    assert found.span_id == number(made["span"])
    assert found.parent_id is None
    assert found.flags == made["flags"] == 1
    if name != "b3":
        assert found.baggage == made["baggage"] == baggage


@pytest.mark.parametrize("name", ["text_map", "http_headers"])
@given(debug_id=TEXT.filter(str.strip))
@unhurried
def test_node_reads_a_debug_id(node, name, debug_id):
    carrier = {}
    context = SpanContext(None, None, None, None, None, debug_id)
    CODECS[name].inject(context, carrier)
    found = node(do="read", format=name, carrier=carrier)
    assert found["debug"] == debug_id
    assert found["trace"] is None


@formats
def test_a_context_through_several_processes_stays_what_it_was(node, name):
    codec = CODECS[name]
    carrier = {}
    codec.inject(SpanContext(0xAB, 0xCD, 0xEF, 1, {"k": "v ä/+&=,%"}), carrier)
    for _ in range(3):
        carrier = node(do="read", format=name, carrier=carrier)["carrier"]
        context = codec.extract(carrier)
        carrier = {}
        codec.inject(context, carrier)
    assert (context.trace_id, context.span_id, context.parent_id) == (0xAB, 0xCD, 0xEF)
    assert context.baggage == ({} if name == "b3" else {"k": "v ä/+&=,%"})

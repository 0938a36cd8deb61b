"""Pages for a browser."""

from html.parser import HTMLParser

from jaeger_like.all_in_one import page
from jaeger_like.all_in_one.model import Log, Process, Tag, Trace

from .vectors import SPAN, TRACE, span

EVIL = "<script>alert('1')</script>\"&"


class Reader(HTMLParser):
    """Collects the text and the names of elements; complains about what is not closed."""

    void = frozenset(["meta"])

    def __init__(self, document):
        super().__init__()
        self.open, self.names, self.words, self.links = [], set(), [], []
        self.feed(document)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.links.extend(value for name, value in attrs if name in ("href", "src", "action"))
        if tag not in self.void and tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def test_the_list():
    failed = span(2, 1, service="back", tags=(Tag("error", "bool", True),))
    read = Reader(
        page.listing([Trace(1, (span(service="front"), failed))], ["back", "front"], "back")
    )
    assert "front: op" in read.text
    assert "1 error" in read.text
    assert "/trace/0000000000000001" in read.links
    assert all(link.startswith("/") for link in read.links)


def test_an_empty_list():
    assert "No traces yet" in Reader(page.listing([], [])).text


def test_one_trace():
    odd = span(9, trace_id=TRACE, warnings=("odd",), service="other", duration=-5)
    read = Reader(page.detail(Trace(TRACE, (SPAN, odd))))
    for words in ("svc", "op", "hostname", "00ff", "event", "FOLLOWS_FROM", "odd", "1.5ms"):
        assert words in read.text
    assert all(link.startswith("/") for link in read.links)


def test_whatever_a_span_contains_is_text():
    tags = (Tag(EVIL, "string", EVIL),)
    evil = span(operation=EVIL, tags=tags, logs=(Log(1, tags),), process=Process(EVIL, tags))
    trace = Trace(1, (evil,))
    for document in (page.detail(trace), page.listing([trace], [EVIL], EVIL), page.missing(EVIL)):
        read = Reader(document)
        assert "script" not in read.names
        assert EVIL in read.text


def test_a_page_has_an_end():
    trace = Trace(1, tuple(span(n) for n in range(1, 2101)))
    read = Reader(page.detail(trace))
    assert "and 100 spans more" in read.text

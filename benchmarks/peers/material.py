"""What the measured spans carry: the same texts for every peer, made before anything is measured.

Values repeat after 64 spans, so that no library can take a constant for granted and none pays for
the making of texts.
"""

from __future__ import annotations

URLS = tuple(f"http://shop.example/orders/{number:05d}" for number in range(64))
STATEMENTS = tuple(f"SELECT * FROM stock WHERE item={number:05d}" for number in range(64))  # noqa: S608  nobody runs it
CHILDREN = tuple(
    f"{verb} {what}" for verb in ("check", "load", "store") for what in ("user", "cart", "stock")
)

#: Spans of a trace: one root and its children.
TRACE = 1 + len(CHILDREN)

#: What an ordinary request brings beside the trace.
REQUEST_HEADERS = {
    "Host": "shop.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "Cookie": "session=6d0b1f2a9c7e4c55",
    "Cache-Control": "max-age=0",
}

#: Tags of the workload that varies their number; the values are like those of the others.
MANY_TAGS = {f"shop.attribute.{number}": URLS[number & 63] for number in range(100)}


def some_tags(count: int) -> dict[str, str]:
    """Return the first *count* of the many tags."""
    return dict(list(MANY_TAGS.items())[:count])

"""Records to packets: the Thrift messages that carry many spans of one process.

A packet is a one-way call ``emitBatch(Batch)`` of the Agent service in compact protocol. A Batch is
1 process struct, 2 spans list, 3 seqNo i64, 4 stats struct (three i64). The process is encoded once
for all packets, and spans arrive here as finished records, so a packet is a few joins.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from .span import list_header, string, tag_list
from .values import PLAIN_TYPES, plain
from .varint import varint, zigzag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

#: Bytes of a datagram that every agent takes: its receive buffer.
DEFAULT_MAX_PACKET_SIZE = 65_000

_MAX_I64 = (1 << 63) - 1
_MAX_SEQ_ID = (1 << 31) - 1
_SIZE = array("I").itemsize


class Batch(Sequence[bytes]):
    """Records that lie end to end already, as the C encoder's buffer gives them.

    :ivar parts: empty, or a pair in it: the records joined, and their sizes as native uint32
    """

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[tuple[bytes, bytes]] = []

    @property
    def joined(self) -> bytes:
        return self.parts[0][0] if self.parts else b""

    def __len__(self) -> int:
        return len(self.parts[0][1]) // _SIZE if self.parts else 0

    def __iter__(self) -> Iterator[bytes]:
        begin = 0
        for joined, sizes in self.parts:
            for size in array("I", sizes):
                yield joined[begin : begin + size]
                begin += size

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]


def encode_process(service_name: str, tags: Mapping[str, Any] | None, max_length: int) -> bytes:
    """Return the record of a ``Process``: 1 serviceName string, 2 tags list.

    :param max_length: limit of text values, in characters
    """
    values = {
        key: value if type(value) in PLAIN_TYPES else plain(value, max_length, max_length)
        for key, value in (tags or {}).items()
    }
    tag_text = tag_list(values, max_length, max_length)
    return f"\x18{string(service_name)}\x19{tag_text}\x00".encode("latin-1")


def emit_batch(
    process: bytes,
    spans: Sequence[bytes],
    seq_no: int,
    stats: tuple[int, int, int],
) -> bytes:
    """Return one datagram.

    :param process: from :func:`encode_process`
    :param spans: records of spans
    :param seq_no: running number among the packets of one reporter, from 1; also the message's id
    :param stats: spans dropped so far because of a full queue, of their size, of failed sending
    """
    full_queue, too_large, failed = stats
    begin = f"\x82\x81{varint(seq_no & _MAX_SEQ_ID)}\x09emitBatch\x1c\x1c".encode("latin-1")
    middle = f"\x19{list_header(len(spans), 0xC)}".encode("latin-1")
    end = (
        f"\x16{zigzag(seq_no)}\x1c\x16{zigzag(full_queue)}\x16{zigzag(too_large)}"
        f"\x16{zigzag(failed)}\x00\x00\x00"
    ).encode("latin-1")
    records = (spans.joined,) if isinstance(spans, Batch) else spans
    return b"".join((begin, process, middle, *records, end))


#: Bytes around process and spans at the most: every number as wide as it can get, and a list of
#: more spans than a datagram can hold.
OVERHEAD = (
    len(emit_batch(b"", (), _MAX_I64, (_MAX_I64, _MAX_I64, _MAX_I64)))
    + len(list_header(1 << 20, 0xC))
    - len(list_header(0, 0xC))
)

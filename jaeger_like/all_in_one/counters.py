"""What came in: numbers for ``/api/stats``, and what clients say they lost on the way."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

from .model import Batch

_MAX_CLIENTS = 1000


class _Client:
    __slots__ = ("batches", "last_seq_no", "missing", "service", "stats")

    def __init__(self) -> None:
        self.service = ""
        self.batches = 0
        self.last_seq_no = 0
        self.missing = 0
        self.stats: Any = None


class Counters:
    """Counts what the agent receives. Used on the loop's thread; reading is safe on any.

    :ivar numbers: by name, see :meth:`snapshot`
    """

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()
        self._clients: OrderedDict[str, _Client] = OrderedDict()  # longest silent first

    def count(self, name: str, number: int = 1) -> None:
        """Add to one of the numbers."""
        self.numbers[name] += number

    def batch(self, batch: Batch) -> None:
        """Count a batch, and keep what its client reports about itself."""
        self.numbers["batches"] += 1
        self.numbers["spans"] += len(batch.spans)
        uuid = next((t.value for t in batch.process.tags if t.key == "client-uuid"), None)
        if uuid is None:
            return
        key = str(uuid)[:100]
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = _Client()
            if len(self._clients) > _MAX_CLIENTS:
                self._clients.popitem(last=False)
        else:
            self._clients.move_to_end(key)
        client.service = batch.process.service
        client.batches += 1
        if batch.stats is not None:
            client.stats = batch.stats
        if batch.seq_no is None:
            return
        if client.last_seq_no == 0 or batch.seq_no > client.last_seq_no:
            # The first one seen only sets the base: the client may be older than this agent.
            if client.last_seq_no:
                client.missing += batch.seq_no - client.last_seq_no - 1
            client.last_seq_no = batch.seq_no
        elif client.missing:
            client.missing -= 1  # it was late, not lost

    def snapshot(self) -> dict[str, Any]:
        """Return all numbers as JSON values.

        ``datagramsCompact``, ``datagramsBinary``, ``httpBatches`` what came; ``garbage`` what was
        none; ``queueFull`` datagrams dropped because too many came at once; ``batches``, ``spans``;
        ``clients`` by their ``client-uuid``: batches received, ``lastSeqNo``, ``missingBatches``
        (gaps between sequence numbers), and the spans they report as dropped.
        """
        names = ("datagramsCompact", "datagramsBinary", "httpBatches", "batches", "spans")
        result: dict[str, Any] = {name: self.numbers[name] for name in names}
        result.update({name: self.numbers[name] for name in ("garbage", "queueFull")})
        result["clients"] = {uuid: _client(client) for uuid, client in list(self._clients.items())}
        return result


def _client(client: _Client) -> dict[str, Any]:
    stats = client.stats
    return {
        "service": client.service,
        "batches": client.batches,
        "lastSeqNo": client.last_seq_no or None,
        "missingBatches": client.missing,
        "droppedSpans": None
        if stats is None
        else {
            "fullQueue": stats.full_queue,
            "tooLarge": stats.too_large,
            "failedToEmit": stats.failed_to_emit,
        },
    }

"""Sizes of packets, and of the process header that is in each of them."""

from __future__ import annotations

from .encoding.packet import DEFAULT_MAX_PACKET_SIZE, encode_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: The least a datagram may carry everywhere.
MIN_PACKET_SIZE = 1_200

_MACOS_PACKET_SIZE = 9_216  # what it takes by default


def smaller_packet_size(size: int) -> int:
    """Return the size to try when the network has refused *size* bytes: a usual one, or half."""
    for usual in (DEFAULT_MAX_PACKET_SIZE, _MACOS_PACKET_SIZE):
        if size > usual:
            return usual
    return max(size // 2, MIN_PACKET_SIZE)


def process_within(
    service_name: str, tags: Mapping[str, Any], max_length: int, room: int
) -> tuple[bytes, bool]:
    """Return the record of a process in *room* bytes, and whether anything had to be cut for that.

    :param max_length: of text values, in characters
    """
    for limit in (max_length, 256, 64, 16):
        process = encode_process(service_name, tags, limit)
        if len(process) <= room:
            return process, limit != max_length
    return encode_process(service_name[: room // 8], {}, max_length), True

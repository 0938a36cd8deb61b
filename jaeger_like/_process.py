"""Who sends the spans: the tags of this process."""

from __future__ import annotations

import _socket

from ._ids import new_client_uuid
from ._log import log
from .constants import (
    CLIENT_UUID_TAG_KEY,
    JAEGER_CLIENT_VERSION,
    JAEGER_HOSTNAME_TAG_KEY,
    JAEGER_IP_TAG_KEY,
    JAEGER_VERSION_TAG_KEY,
)
from .utils import local_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def process_tags(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tags of this process.

    :param own: what the program says, which wins; what is None in it is found out, or left out
    """
    tags = {JAEGER_VERSION_TAG_KEY: JAEGER_CLIENT_VERSION, **own}
    if tags.get(JAEGER_IP_TAG_KEY) is None:
        tags[JAEGER_IP_TAG_KEY] = local_ip()
    if tags.get(JAEGER_HOSTNAME_TAG_KEY) is None:
        try:
            tags[JAEGER_HOSTNAME_TAG_KEY] = _socket.gethostname()
        except OSError:
            log.exception("Unable to determine host name")
    tags = {key: value for key, value in tags.items() if value is not None}
    tags.setdefault(CLIENT_UUID_TAG_KEY, new_client_uuid())
    return tags

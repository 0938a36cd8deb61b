from typing import Any, Callable, Final

_bytes = bytes

def encode_span(
    trace: Any,
    span_id: int,
    parent_id: int | None,
    operation_name: str,
    references: Any,
    start: int,
    duration: int,
    tags: dict[Any, Any] | None,
    logs: list[tuple[int, dict[Any, Any]]] | None,
    max_length: int,
    max_traceback_length: int,
    /,
) -> bytes: ...
def copy_plain(tags: object, /) -> dict[Any, Any] | None: ...
def set_helpers(
    plain: Callable[..., Any],
    text: Callable[..., Any],
    utf8: Callable[..., Any],
    references: Callable[..., Any],
    /,
) -> None: ...

class Buffer:
    spans: Final[int]
    bytes: Final[int]
    bytes_in: Final[int]
    last_id: Final[int]
    look_at: int
    max_spans: int
    max_bytes: int
    chunk_spans: int
    chunk_bytes: int
    closed: bool
    def add(
        self,
        trace: Any,
        span_id: int,
        parent_id: int | None,
        operation_name: str,
        references: Any,
        start: int,
        duration: int,
        tags: dict[Any, Any] | None,
        logs: list[tuple[int, dict[Any, Any]]] | None,
        max_length: int,
        max_traceback_length: int,
        /,
    ) -> bool | None: ...
    def take(self, records: list[tuple[_bytes, _bytes]], /) -> bool: ...

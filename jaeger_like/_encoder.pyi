from typing import Any, Callable

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
def set_helpers(
    plain: Callable[..., Any],
    text: Callable[..., Any],
    utf8: Callable[..., Any],
    references: Callable[..., Any],
    /,
) -> None: ...

"""``os._exit`` in a forked child, which is how such processes end in the ordinary way.

Python's documentation says so, and programs do it: children of a plain ``os.fork``, workers of RQ
after their only job. No exit handler runs then, and there is no other moment to send what the child
has finished. In a process that was not forked ``os._exit`` stays what it is.
"""

from __future__ import annotations

import functools
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_wrapped = False


def before_os_exit(callback: Callable[[], object]) -> None:
    """Have *callback* run when ``os._exit`` is called here, or in a child of this process.

    The process ends with the status it was given, whatever *callback* does. For one callback in
    the life of a process; a second call does nothing.
    """
    global _wrapped
    if _wrapped:
        return
    _wrapped = True
    leave = os._exit

    @functools.wraps(leave)
    def _exit(status: int) -> None:
        try:
            callback()
        finally:
            leave(status)

    os._exit = _exit  # type: ignore[assignment]  # never returns

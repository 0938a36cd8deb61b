"""What is made when it is first needed, because most programs never need it.

An import of this package is in the start of every program that traces, so modules of rare use are
imported by who uses them, and patterns are compiled when a text is first held against them.
"""

from __future__ import annotations

from ._held_off import held_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def names(
    package: str, held_by: dict[str, tuple[str, ...]], modules: tuple[str, ...] = ()
) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` for names that live in modules not yet imported.

    :param package: ``__name__`` of the module that offers the names
    :param held_by: names by the module that has them, relative to *package*'s package
    :param modules: names that are modules themselves
    """
    homes = {name: module for module, held in held_by.items() for name in held}

    def get(name: str) -> Any:
        if name not in homes and name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        import sys
        from importlib import import_module

        if name in modules:
            return import_module(f"{package}.{name}")
        holder = sys.modules[package]
        home = import_module(homes[name], holder.__spec__.parent)  # type: ignore[union-attr]  # a package has one
        value = getattr(home, name)
        setattr(holder, name, value)
        return value

    return get


class Pattern:
    """A regular expression that is compiled when it is first used.

    :param source: as :mod:`re` has it
    :param flags: of :mod:`re`
    """

    __slots__ = ("_flags", "_source", "fullmatch", "search", "sub")

    fullmatch: Any
    search: Any
    sub: Any

    def __init__(self, source: str | bytes, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        with held_off:
            import re
        compiled: Any = re.compile(self._source, self._flags)
        self.fullmatch, self.search, self.sub = compiled.fullmatch, compiled.search, compiled.sub
        return getattr(compiled, name)

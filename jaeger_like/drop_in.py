"""Standing in for the package ``jaeger_client`` in programs that import it by that name."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_OLD = "jaeger_client"
_OURS = __name__.rpartition(".")[0]


def install_as_jaeger_client() -> None:
    """Make ``import jaeger_client`` and its submodules mean this package, in this process.

    For libraries that import jaeger_client themselves; call it before the first of them is
    imported. The modules are the same objects under both names, so classes are the same too.
    Further calls do nothing.

    :raises RuntimeError: another jaeger_client has been imported
    """
    ours = sys.modules[_OURS]
    foreign = [
        name
        for name, module in sorted(sys.modules.items())
        if (name == _OLD or name.startswith(f"{_OLD}."))
        and module is not sys.modules.get(_new_name(name))
    ]
    if foreign:
        where = getattr(sys.modules[foreign[0]], "__file__", None)
        raise RuntimeError(
            f"{foreign[0]} is already imported, from {where}: call install_as_jaeger_client() "
            "before anything imports jaeger_client"
        )
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # first: the real one may be installed as well
    sys.modules[_OLD] = ours


def _new_name(name: str) -> str:
    return _OURS + name[len(_OLD) :]


class _Finder:
    """Finds ``jaeger_client.x`` where ``jaeger_like.x`` is, and is also its loader."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  the interface of finders
        target: ModuleType | None = None,  # noqa: ARG002  the interface has it
    ) -> ModuleSpec | None:
        if fullname != _OLD and not fullname.startswith(f"{_OLD}."):
            return None
        name = _new_name(fullname)
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # ours is there, and misses something
                raise
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]  # a loader by its methods

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = sys.modules[_new_name(spec.name)]
        # The import system is about to write the other name into the module; see exec_module.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        module.__spec__ = spec.loader_state

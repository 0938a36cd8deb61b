"""``JAEGER_TAGS``: process tags as ``name=value,name=value``.

Blanks around names and values do not count; nothing can be escaped. A value of exactly the form
``${VARIABLE:default}`` is replaced by the variable, or by the default, which may be missing or
empty, where the variable is unset or empty.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._lazy import Pattern
from .read import Warn

VARIABLE = "JAEGER_TAGS"
_REFERENCE = Pattern(r"(?s)\$\{([^:}]*)(?::(.*))?\}")


def tags(environ: Mapping[str, str], warn: Warn) -> dict[str, str]:
    """Return the tags that the environment names; what is malformed is left out with a warning."""
    result = {}
    malformed = []
    for item in environ.get(VARIABLE, "").split(","):
        name, equals, value = item.partition("=")
        name = name.strip()
        if equals and name:
            result[name] = _expand(value.strip(), environ)
        elif item.strip():
            malformed.append(item.strip())
    if malformed:
        warn(f"{VARIABLE}: expected name=value items, ignored {', '.join(map(repr, malformed))}")
    return result


def _expand(value: str, environ: Mapping[str, str]) -> str:
    reference = _REFERENCE.fullmatch(value)
    if reference is None:
        return value
    return environ.get(reference[1].strip(), "") or reference[2] or ""

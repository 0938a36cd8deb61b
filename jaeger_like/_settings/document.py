"""The settings as a page of documentation, made from the table."""

from __future__ import annotations

import json

from .row import Row
from .table import OTHER_VARIABLES, ROWS, WITHOUT_EFFECT

_HEAD = """\
# Configuration

Made from the table in `jaeger_like/_settings/table.py` by `python -m jaeger_like._settings`.

A setting in the configuration beats its environment variable, which beats the default; only
`JAEGER_TAGS` beats the configuration, tag by tag. A key with a dot stands in a mapping of its own:
`{"local_agent": {"reporting_host": "agent"}}`. None and an empty text count as absent, except for
booleans, where None is false, and for `sampling_refresh_interval` and `reporter_flush_interval`,
where it is 0.

A value that cannot be used raises `ConfigError`, a `ValueError`, when it is in the configuration;
when it is in the environment, one warning names the variable and the default is used.

Booleans: in the configuration `true` and `1`, `false`, `0` and `none`, of any type and in any case;
all else is the default. In the environment also `t`, `yes`, `on`, `f`, `no`, `off`.

## Settings

| Key | Accepted | Default | Environment | Meaning |
|---|---|---|---|---|
"""


def markdown() -> str:
    """Return the page."""
    parts = [_HEAD, *(_line(row) for row in ROWS)]
    parts.append("\n## Variables without a key\n\n| Variable | Meaning |\n|---|---|\n")
    parts += [f"| `{name}` | {meaning} |\n" for name, meaning in OTHER_VARIABLES.items()]
    parts.append(
        "\n## Variables without effect\n\n"
        "Other Jaeger clients read them; set, they are mentioned in the log once.\n\n"
        "| Variable | Why |\n|---|---|\n"
    )
    parts += [f"| `{name}` | {reason} |\n" for name, reason in WITHOUT_EFFECT.items()]
    return "".join(parts)


def _line(row: Row) -> str:
    default = "none" if row.default in (None, (), {}) else f"`{json.dumps(row.default)}`"
    env = f"`{row.env[0]}`" if row.env else ""
    if row.env[1:]:
        env += " (old: " + ", ".join(f"`{name}`" for name in row.env[1:]) + ")"
    return f"| `{row.key}` | {row.type} | {default} | {env} | {row.help} |\n"

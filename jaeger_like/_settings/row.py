"""What is known about one setting."""

from __future__ import annotations

from . import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .parse import Parser


class Row:
    """One setting.

    :ivar key: dotted name in the configuration
    :ivar default: the setting when neither the configuration nor the environment has it
    :ivar parse: reads the configuration's value; raises ValueError or TypeError
    :ivar type: what is accepted, in words; stands in errors and in the documentation
    :ivar help: what it does
    :ivar env: names of variables, the first that is set counts; the rest are older spellings
    :ivar parse_env: reads a variable's text; None: as *parse* does
    :ivar type_env: what is accepted in a variable, in words; None: *type*
    :ivar takes_none: None is a value, and does not mean "absent"
    :ivar secret: never to be shown
    """

    # No NamedTuple or dataclass: what makes those takes longer than the import of this package.
    __slots__ = (
        "default",
        "env",
        "help",
        "key",
        "parse",
        "parse_env",
        "secret",
        "takes_none",
        "type",
        "type_env",
    )

    def __init__(
        self,
        key: str,
        default: Any,
        parse: Parser,
        type: str,
        help: str,
        env: tuple[str, ...] = (),
        parse_env: Parser | None = None,
        takes_none: bool = False,
        secret: bool = False,
        type_env: str | None = None,
    ) -> None:
        self.key = key
        self.default = default
        self.parse = parse
        self.type = type
        self.help = help
        self.env = env
        self.parse_env = parse_env
        self.takes_none = takes_none
        self.secret = secret
        self.type_env = type_env


def boolean_row(
    key: str,
    default: bool,
    help_text: str,
    env: tuple[str, ...] = (),
    parse_env: Parser = parse.boolean_text,
) -> Row:
    """Return the row of a setting that takes anything boolean-ish."""
    return Row(
        key, default, parse.boolean(default), "boolean", help_text, env, parse_env, takes_none=True
    )

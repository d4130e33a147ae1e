"""JSON that came from outside: whatever is wrong with it becomes one kind of error.

Nesting that goes deeper than Python's stack is one of the things that can be wrong; msgspec tells it as a
`RecursionError`, which nobody further up could tell from a bug.
"""

from typing import Any, TypeVar, overload

import msgspec

Kind = TypeVar("Kind")


class BodyUnreadable(ValueError):
    """These bytes are no JSON, or not of the shape that is wanted; the text says which."""


@overload
def decoded(data: str | bytes) -> Any: ...
@overload
def decoded(data: str | bytes, kind: type[Kind]) -> Kind: ...
def decoded(data: str | bytes, kind: Any = Any) -> Any:
    """Return what the JSON spells; raises `BodyUnreadable`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError:
        raise BodyUnreadable("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as invalid:
        raise BodyUnreadable(str(invalid)) from None

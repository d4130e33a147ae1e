"""Specific identification: the owner says which buy covers how much of which sell."""

from collections.abc import Iterable
from dataclasses import dataclass

from bottrader.domain.errors import SelectionInvalid
from bottrader.domain.money import ZERO, Size


@dataclass(frozen=True, slots=True)
class NamedPart:
    """The part of a sell that its owner wants covered by one buy; `size` in units of base currency, above zero."""

    sell_execution_id: str
    buy_execution_id: str
    size: Size


@dataclass(frozen=True, slots=True)
class Selection:
    """All named parts; what they leave of a sell goes first in, first out, after its named parts.

    Raises:
        SelectionInvalid: when a part has no size, or a pair of sell and buy is named twice.
    """

    parts: tuple[NamedPart, ...]

    def __post_init__(self) -> None:
        seen = set()
        for part in self.parts:
            pair = (part.sell_execution_id, part.buy_execution_id)
            if part.size <= ZERO:
                raise SelectionInvalid(
                    f"a named part is above zero, was {part.size} of buy {pair[1]} for sell {pair[0]}"
                )
            if pair in seen:
                raise SelectionInvalid(f"sell {pair[0]} names buy {pair[1]} twice; name it once, with the whole size")
            seen.add(pair)

    def by_sell(self) -> dict[str, list[NamedPart]]:
        """Return the parts of each sell, in the order in which they were named."""
        found: dict[str, list[NamedPart]] = {}
        for part in self.parts:
            found.setdefault(part.sell_execution_id, []).append(part)
        return found

    def refuse_strangers(self, sell_execution_ids: Iterable[str]) -> None:
        """Raise `SelectionInvalid` when a part is for a sell that is not among these."""
        known = set(sell_execution_ids)
        if strangers := [name for name in self.by_sell() if name not in known]:
            raise SelectionInvalid(f"the selection names sells that are not there: {', '.join(strangers)}")

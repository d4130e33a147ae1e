"""Which open lot a sell consumes next: the one thing in which the methods differ.

* First in, first out: the oldest.
* Last in, first out: the newest.
* Highest in, first out: the one with the highest cost per unit, fee included; of equals the oldest. Cost per unit is
  that of the whole buy, (price x size + fee) / size, as a fraction: exact, and the same however much is left of the
  lot. With the fee left out, 1.0 at 100 with fee 3 would count as cheaper than 1.0 at 101 with fee 0.50, which cost
  less.
* Specific: what the owner named, then the oldest.

A lot that was used up stays in its place until it would be chosen; only then is it dropped.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from bottrader.domain.errors import SelectionInvalid
from bottrader.domain.lots.consuming import Lot
from bottrader.domain.lots.rows import Execution, LotMethod
from bottrader.domain.lots.selection import NamedPart, Selection
from bottrader.domain.money import ZERO, exact


class Choice(Protocol):
    """The lots of one product and account, in the order in which sells consume them."""

    def add(self, lot: Lot) -> None:
        """Take in a lot; lots come in ledger order."""
        ...

    def next(self) -> Lot | None:
        """Return the lot to consume now, None when none is open."""
        ...

    def lots(self) -> Sequence[Lot]:
        """Return all lots in ledger order; some may be used up."""
        ...


class OldestFirst:
    """First in, first out."""

    def __init__(self) -> None:
        self._lots: deque[Lot] = deque()

    def add(self, lot: Lot) -> None:
        self._lots.append(lot)

    def next(self) -> Lot | None:
        while self._lots and self._lots[0].remaining == ZERO:
            self._lots.popleft()
        return self._lots[0] if self._lots else None

    def lots(self) -> Sequence[Lot]:
        return self._lots


class NewestFirst:
    """Last in, first out."""

    def __init__(self) -> None:
        self._lots: list[Lot] = []

    def add(self, lot: Lot) -> None:
        self._lots.append(lot)

    def next(self) -> Lot | None:
        while self._lots and self._lots[-1].remaining == ZERO:
            self._lots.pop()
        return self._lots[-1] if self._lots else None

    def lots(self) -> Sequence[Lot]:
        return self._lots


class DearestFirst:
    """Highest in, first out."""

    def __init__(self) -> None:
        self._heap: list[tuple[Fraction, int, Lot]] = []
        self._numbers = itertools.count()

    def add(self, lot: Lot) -> None:
        # The number decides between equals, so lots themselves are never compared.
        heapq.heappush(self._heap, (-unit_cost(lot.execution), next(self._numbers), lot))

    def next(self) -> Lot | None:
        while self._heap and self._heap[0][2].remaining == ZERO:
            heapq.heappop(self._heap)
        return self._heap[0][2] if self._heap else None

    def lots(self) -> Sequence[Lot]:
        return [lot for _, _, lot in sorted(self._heap, key=lambda entry: entry[1])]


def unit_cost(buy: Execution) -> Fraction:
    """Return the quote currency paid per unit of base, fee included, exactly; the size is above zero."""
    with exact():
        return Fraction(buy.price * buy.size + buy.fee) / Fraction(buy.size)


def choice_for(method: LotMethod) -> Choice:
    """Return an empty set of lots that are consumed in the order of this method."""
    if method is LotMethod.LIFO:
        return NewestFirst()
    return DearestFirst() if method is LotMethod.HIFO else OldestFirst()


class NamedLots:
    """The lots that an owner may name, by the id of their buy, and what was named for which sell."""

    def __init__(self, selection: Selection) -> None:
        self._parts: Mapping[str, Sequence[NamedPart]] = selection.by_sell()
        self._lots: dict[str, Lot] = {}

    def add(self, lot: Lot) -> None:
        self._lots[lot.execution.execution_id] = lot

    def of(self, selling: Lot) -> list[tuple[Lot, NamedPart]]:
        """Return the lots named for this sell with their parts, in the order named.

        Raises:
            SelectionInvalid: when a named buy is not open then or has less left, or the sell is smaller than its parts.
        """
        sell_id = selling.execution.execution_id
        wanted = ZERO
        found = []
        for part in self._parts.get(sell_id, ()):
            lot = self._lots.get(part.buy_execution_id)
            if lot is None:
                raise SelectionInvalid(
                    f"sell {sell_id} names buy {part.buy_execution_id}, which is not a buy of the same product and"
                    " account before it; name one that is"
                )
            if part.size > lot.remaining:
                raise SelectionInvalid(
                    f"sell {sell_id} names {part.size} of buy {part.buy_execution_id}, of which {lot.remaining} is left"
                )
            with exact():
                wanted += part.size
            found.append((lot, part))
        if wanted > selling.remaining:
            raise SelectionInvalid(f"sell {sell_id} is of {selling.remaining} and names {wanted}; name no more than it")
        return found

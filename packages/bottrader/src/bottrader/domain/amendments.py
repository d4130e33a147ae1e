"""Which trades stand after the venue took fills back or corrected them, and at which terms (F29).

Problem. A fill is a fact and never changes. What the venue takes back is a REVERSAL row, and what it corrects is a
REVERSAL and then a CORRECTION row. No row says which one it amends, the rows arrive in any order, and some may not have
arrived yet.

Rule. Within one order, amendments are taken in the venue's order. A REVERSAL takes back a standing row with the same
product, side, price, size and fee: the one with its own trade id if there is one, else the oldest. A CORRECTION puts
its terms in a place that a REVERSAL left: one with its trade id, then one of its size, then the newest. A row that
finds nothing counts as nothing until what it amends is here; the books then differ from the venue's, and say so.

A corrected trade keeps its identity: the trade id and the time of the FILL, because that is when it took place. Dated
by its correction, a buy would come after the sell of its own coins.

The result is a function of the set of rows, whatever order they arrived in (E3). What follows from it (lots,
allocations, positions, totals) is derived again from the first trade on.

Worked example. Rows of one buy order: FILL a 1.0 at 100, fee 0.60; FILL b 0.5 at 101, fee 0.30; then REVERSAL 1.0 at
100, fee 0.60; CORRECTION 1.0 at 99, fee 0.59; REVERSAL 0.5 at 101, fee 0.30. What stands is trade a, 1.0 at 99, fee
0.59.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bottrader.domain.orders import Fill, FillKind, VenueOrderId


@dataclass(frozen=True, slots=True)
class StandingTrade:
    """A trade that counts: `executed` is its FILL, `terms` the row with its side, price, size and fee."""

    executed: Fill
    terms: Fill


def standing_trades(fills: Iterable[Fill]) -> list[StandingTrade]:
    """Return the trades that stand, one for each FILL that was not taken back for good; each row given once."""
    by_order: dict[VenueOrderId, list[Fill]] = {}
    for fill in sorted(fills, key=_venue_order):
        by_order.setdefault(fill.venue_order_id, []).append(fill)
    return [trade for of_order in by_order.values() for trade in _Amending(of_order).standing]


def venue_sequence(trade_id: str) -> int:
    """Return the venue's order within a moment: the trade id when it is a number, else 0 (the id itself decides)."""
    return int(trade_id) if trade_id.isascii() and trade_id.isdigit() and len(trade_id) <= _DIGITS_MAX else 0


_DIGITS_MAX = 18
"""More digits do not fit the database's 64-bit integers."""
_KINDS = list(FillKind)


def _venue_order(fill: Fill) -> tuple[datetime, int, str, int, str]:
    return fill.traded_at, venue_sequence(fill.trade_id), fill.trade_id, _KINDS.index(fill.kind), fill.entry_id


class _Amending:
    """The rows of one order, amended one after the other."""

    def __init__(self, fills: list[Fill]) -> None:
        self.standing = [StandingTrade(fill, fill) for fill in fills if fill.kind is FillKind.FILL]
        self._vacated: list[StandingTrade] = []
        waiting = [fill for fill in fills if fill.kind in {FillKind.REVERSAL, FillKind.CORRECTION}]
        # A row may be dated before the one it amends, so the rest is tried again as long as something comes of it.
        while (left := [fill for fill in waiting if not self._amend(fill)]) != waiting:
            waiting = left

    def _amend(self, fill: Fill) -> bool:
        return self._reverse(fill) if fill.kind is FillKind.REVERSAL else self._correct(fill)

    def _reverse(self, reversal: Fill) -> bool:
        same = [trade for trade in self.standing if _terms(trade.terms) == _terms(reversal)]
        if not same:
            return False
        taken = min(same, key=lambda trade: (trade.terms.trade_id != reversal.trade_id, _venue_order(trade.terms)))
        self.standing.remove(taken)
        self._vacated.append(StandingTrade(taken.executed, reversal))
        return True

    def _correct(self, correction: Fill) -> bool:
        open_places = [
            place
            for place in self._vacated
            if (place.terms.product_id, place.terms.side) == (correction.product_id, correction.side)
        ]
        if not open_places:
            return False
        place = max(
            open_places,
            key=lambda place: (
                place.terms.trade_id == correction.trade_id,
                place.terms.size == correction.size,
                _venue_order(place.terms),
            ),
        )
        self._vacated.remove(place)
        self.standing.append(StandingTrade(place.executed, correction))
        return True


def _terms(fill: Fill) -> tuple[object, ...]:
    return fill.product_id, fill.side, fill.price, fill.size, fill.fee

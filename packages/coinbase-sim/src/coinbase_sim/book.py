"""The book of one product: the displayed ladder of others, and this account's own resting orders behind it.

A taker consumes the ladder from the best price on, and what it took is gone until the next tick brings a new ladder.

A resting order fills only from prints, never because the ladder moved. A print through its price fills all of it. A
print at its price first serves those who were there before: `queue_ahead` starts as the size displayed at that price
when the order joined, falls with each print at the price and with the displayed size, never grows (coinbase.md §14).
What is left of the print goes to the own orders at that price in order of arrival. Worked example: 3 displayed, own
orders A of 2 and then B of 2 join at 100. A print of 4 at 100 serves the 3 ahead and 1 of A; B waits behind A.

The account does not trade with itself: its takers see the ladder only, so neither of two crossing own orders is
cancelled or decremented, and the book as shown may be crossed by them.

What the venue displays (`depth`) is the ladder with the own resting orders added.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from coinbase_sim.amounts import ONE, ZERO, units_down
from coinbase_sim.model import Level, Order, ProductSpec, Side
from coinbase_sim.ticks import Tick


@dataclass(slots=True)
class Resting:
    """An own order in the book; `limit` and `arrival` give its place."""

    order: Order
    limit: Decimal
    size_left: Decimal
    queue_ahead: Decimal
    arrival: int

    @property
    def rank(self) -> tuple[Decimal, int]:
        """Price, then time: lower comes first."""
        is_buy = self.order.request.side is Side.BUY
        return (-self.limit if is_buy else self.limit, self.arrival)


@dataclass(frozen=True, slots=True)
class Match:
    """An own resting order takes `size` of a print."""

    resting: Resting
    size: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """What a taker would take, best level first, and whether that is all it asked for."""

    takes: tuple[Level, ...]
    is_complete: bool

    @property
    def value(self) -> Decimal:
        """Quote units that the takes trade for, without fees."""
        return sum((take.price * take.size for take in self.takes), ZERO)


class Book:
    """One product's ladder and resting orders."""

    def __init__(self, spec: ProductSpec) -> None:
        self.spec = spec
        self.bids: list[Level] = []
        self.asks: list[Level] = []
        self.mid: Decimal | None = None
        """Middle of the last tick's ladder, untouched by takers: the reference of price protection."""
        self.arrivals = 0
        """Orders that have joined so far; gives each its place in time."""
        self.is_stale = False
        """Whether the depth may have changed since the flag was last taken down."""
        self._resting: dict[Side, list[Resting]] = {Side.BUY: [], Side.SELL: []}
        self._places: dict[str, Resting] = {}

    @property
    def has_resting(self) -> bool:
        return bool(self._resting[Side.BUY] or self._resting[Side.SELL])

    @property
    def resting(self) -> Sequence[Resting]:
        return (*self._resting[Side.BUY], *self._resting[Side.SELL])

    def depth(self, side: Side) -> dict[Decimal, Decimal]:
        """Return size by price on this side, best first, own resting orders included."""
        sizes: dict[Decimal, Decimal] = {}
        for level in self.bids if side is Side.BUY else self.asks:
            sizes[level.price] = sizes.get(level.price, ZERO) + level.size
        if not self._resting[side]:
            return sizes
        for one in self._resting[side]:
            sizes[one.limit] = sizes.get(one.limit, ZERO) + one.size_left
        return {price: sizes[price] for price in sorted(sizes, reverse=side is Side.BUY)}

    def facing(self, side: Side) -> list[Level]:
        """Return the levels that a taker of this side trades with."""
        return self.asks if side is Side.BUY else self.bids

    def displayed(self, side: Side, price: Decimal) -> Decimal:
        """Return the size that others show at `price` on this side."""
        levels = self.bids if side is Side.BUY else self.asks
        return sum((level.size for level in levels if level.price == price), ZERO)

    def protected_price(self, side: Side) -> Decimal | None:
        """Return the worst price that a taker gets: mid x (1 ± rate); None while there is no mid."""
        if self.mid is None:
            return None
        rate = self.spec.price_protection_rate
        return self.mid * (ONE + rate if side is Side.BUY else ONE - rate)

    def plan_base(self, side: Side, size: Decimal, worst_price: Decimal) -> Plan:
        """Plan to take up to `size` base units at `worst_price` or better."""
        takes = []
        left = size
        for level in self.facing(side):
            if left == ZERO or is_beyond(side, level.price, worst_price):
                break
            takes.append(Level(level.price, min(left, level.size)))
            left -= takes[-1].size
        return Plan(tuple(takes), left == ZERO)

    def plan_quote(self, budget: Decimal, worst_price: Decimal, cost_factor: Decimal) -> Plan:
        """Plan a buy that spends `budget` quote units, each take costing price x size x `cost_factor`.

        Sizes are floored to the base increment; the plan is complete when not one increment more is affordable.
        """
        takes = []
        increment = self.spec.base_increment
        for level in self.asks:
            if is_beyond(Side.BUY, level.price, worst_price):
                break
            unit_cost = level.price * cost_factor
            size = min(level.size, units_down(budget, unit_cost * increment) * increment)
            if size > ZERO:
                takes.append(Level(level.price, size))
                budget -= unit_cost * size
            if budget < unit_cost * increment:
                return Plan(tuple(takes), is_complete=True)
        return Plan(tuple(takes), is_complete=False)

    def consume(self, side: Side, take: Level) -> None:
        """Remove what a taker of this side took from the best level."""
        levels = self.facing(side)
        best = levels[0]
        self.is_stale = True
        assert best.price == take.price, f"a taker starts at the best price {best.price}, was {take.price}"
        assert best.size >= take.size, f"a taker takes at most the {best.size} displayed, was {take.size}"
        if best.size == take.size:
            del levels[0]
        else:
            levels[0] = Level(best.price, best.size - take.size)

    def join(self, order: Order) -> None:
        """Rest what is left of `order` at its price, behind those displayed there and the own ones."""
        limit = order.working_price
        self.arrivals += 1
        self.restore(Resting(order, limit, order.left, self.displayed(order.request.side, limit), self.arrivals))

    def restore(self, resting: Resting) -> None:
        """Put an order back in its place."""
        insort(self._resting[resting.order.request.side], resting, key=_rank)
        self._places[resting.order.order_id] = resting
        self.is_stale = True

    def leave(self, order: Order) -> None:
        """Take an order out, if it is in."""
        resting = self._places.pop(order.order_id, None)
        if resting is not None:
            ranked = self._resting[order.request.side]
            del ranked[bisect_left(ranked, resting.rank, key=_rank)]
            self.is_stale = True

    def rests(self, order: Order) -> bool:
        """Tell whether the order is in this book."""
        return order.order_id in self._places

    def shrink(self, order: Order) -> None:
        """Take over a smaller size of a resting order, which keeps its place."""
        self._places[order.order_id].size_left = order.left
        self.is_stale = True

    def matches(self, tick: Tick) -> list[Match]:
        """Return what a print fills, in price-time order on each side.

        Queues shorten and sizes left shrink as a side effect; orders without size left are out of the book.
        """
        matches: list[Match] = []
        left = tick.size
        if tick.size == ZERO:
            return matches
        for side, orders in self._resting.items():
            served = ZERO
            for one in orders:
                if is_beyond(side, tick.price, one.limit):
                    break
                if one.limit == tick.price:
                    passed = min(max(one.queue_ahead - served, ZERO), left)
                    served += passed
                    left -= passed
                    one.queue_ahead = max(one.queue_ahead - served, ZERO)
                    size = min(left, one.size_left) if one.queue_ahead == ZERO else ZERO
                    left -= size
                else:
                    size = one.size_left
                if size > ZERO:
                    one.size_left -= size
                    matches.append(Match(one, size))
            self._resting[side] = [one for one in orders if one.size_left > ZERO]
        for match in matches:
            self.is_stale = True
            if match.resting.size_left == ZERO:
                del self._places[match.resting.order.order_id]
        return matches

    def show(self, tick: Tick) -> None:
        """Take over the tick's ladder: consumed levels are back, and queues shrink to what is displayed."""
        self.is_stale = True
        self.bids, self.asks = list(tick.bids), list(tick.asks)
        self.mid = (tick.bids[0].price + tick.asks[0].price) * Decimal("0.5") if tick.bids and tick.asks else tick.price
        for side, orders in self._resting.items():
            levels = self.bids if side is Side.BUY else self.asks
            for one in orders:
                # Below the last displayed level others may queue unseen, so nothing is known there.
                if levels and is_beyond(side, levels[-1].price, one.limit):
                    continue
                one.queue_ahead = min(one.queue_ahead, self.displayed(side, one.limit))


def _rank(resting: Resting) -> tuple[Decimal, int]:
    return resting.rank


def is_beyond(side: Side, price: Decimal, limit: Decimal) -> bool:
    """Tell whether `price` is worse than `limit` for an order of this side."""
    return price > limit if side is Side.BUY else price < limit

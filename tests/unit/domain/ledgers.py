"""Random ledgers for properties, and an allocation by intervals that shares nothing with the queue it checks."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from bottrader.domain.lots import Execution
from bottrader.domain.orders import Side
from tests.unit.domain.examples import BTC, ETH, execution


@st.composite
def executions(draw: st.DrawFn, *, products: int = 2, most: int = 10) -> list[Execution]:
    """Executions with oversell, equal times, zero fees and fees of one quantum, in any order of arrival."""
    count = draw(st.integers(0, most))
    return [
        execution(
            draw(st.sampled_from(Side)),
            f"e{number}",
            str(draw(st.sampled_from(["0.00000001", "0.3", "1", "7", "1.23456789", "0"]))),
            str(draw(st.sampled_from(["0.00034761", "99.99", "40123.456789"]))),
            fee=str(draw(st.sampled_from(["0", "0.00000001", "0.1", "0.123456789012", "3"]))),
            minute=draw(st.integers(0, 4)),
            sequence=draw(st.integers(0, 2)),
            product_id=draw(st.sampled_from([BTC, ETH][:products])),
            order=f"order-{draw(st.integers(0, 5))}",
        )
        for number in range(count)
    ]


@dataclass(frozen=True)
class Match:
    """Which part of which sell was covered by which buy (None: by nothing)."""

    sell: str
    buy: str | None
    size: Fraction


def match_by_intervals(ledger: list[Execution]) -> list[Match]:
    """Match by overlap of intervals on the axis of units bought, for one product in ledger order.

    Every buy owns the next interval of that axis. A sell may reach as far as has been bought before it; what it wants
    beyond is unmatched and uses up nothing.
    """
    buys: list[tuple[str, Fraction, Fraction]] = []
    bought = sold = Fraction(0)
    matches: list[Match] = []
    for entry in ledger:
        size = Fraction(entry.size)
        if entry.side is Side.BUY:
            buys.append((entry.execution_id, bought, bought + size))
            bought += size
            continue
        covered_to = min(sold + size, bought)
        for name, start, end in buys:
            overlap = min(end, covered_to) - max(start, sold)
            if overlap > 0:
                matches.append(Match(entry.execution_id, name, overlap))
        if sold + size > covered_to:
            matches.append(Match(entry.execution_id, None, sold + size - covered_to))
        sold = covered_to
    return matches


def total(amounts: list[Decimal]) -> Fraction:
    return sum((Fraction(amount) for amount in amounts), Fraction(0))

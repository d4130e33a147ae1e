"""The trailing stop: its distance, and that it only ever rises."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.exit_rules import ExitRules
from bottrader.domain.trailing import Trail, follow_trail
from tests.unit.domain.examples import price

pytestmark = pytest.mark.component("position_monitor")

RULES = ExitRules(trailing_enabled=True)


@pytest.mark.parametrize(
    ("high", "atr", "stop"),
    [
        pytest.param("50000", "1000", "49000.00", id="B140"),
        pytest.param("100", "0.3", "99.00", id="B144 0.3 %"),
        pytest.param("100", "0.75", "98.50", id="B144 0.75 %"),
        pytest.param("100", "2", "98.00", id="B144 2 %"),
        pytest.param("100", None, "98.00", id="B145"),
        pytest.param("100", "NaN", "98.00", id="a range that is no number"),
        pytest.param("100", "0", "99.00", id="no range at all"),
    ],
)
def test_the_distance_of_a_trail_follows_the_range_within_its_bounds(high: str, atr: str | None, stop: str) -> None:
    """B140, B144, B145, R68."""
    found = follow_trail(None, price(high), None if atr is None else Decimal(atr), RULES)
    assert found == Trail(price(high), price(stop))


def test_a_trail_through_a_rise_and_a_dip() -> None:
    """B140, B141, B142, B143: the stop rises with the new high, stays in the dip, and the price falls through it."""
    trail = follow_trail(None, price("50000"), Decimal(1000), RULES)
    trail = follow_trail(trail, price("52000"), Decimal(1040), RULES)
    assert trail == Trail(price("52000"), price("50960.00"))
    assert follow_trail(trail, price("51000"), Decimal(1040), RULES) is trail
    assert follow_trail(trail, price("50860"), Decimal(1040), RULES) is trail
    assert price("50860") <= trail.stop < price("51000")


def test_a_range_that_shrinks_raises_the_stop_and_one_that_grows_does_not_lower_it() -> None:
    trail = follow_trail(None, price("100"), Decimal(2), RULES)
    nearer = follow_trail(trail, price("99"), Decimal("0.5"), RULES)
    assert nearer == Trail(price("100"), price("99.00"))
    assert follow_trail(nearer, price("99.5"), Decimal(2), RULES) is nearer
    assert follow_trail(nearer, price("100"), None, RULES) is nearer
    assert follow_trail(nearer, price("100.5"), None, RULES) == Trail(price("100.5"), price("99.00"))


@given(
    st.lists(
        st.tuples(st.decimals("90", "130", places=2), st.one_of(st.none(), st.decimals("0", "5", places=3))),
        min_size=1,
        max_size=25,
    )
)
@settings(deadline=None, max_examples=60)
def test_a_trailing_stop_never_falls_and_keeps_its_distance(ticks: list[tuple[Decimal, Decimal | None]]) -> None:
    """B146"""
    trail: Trail | None = None
    for value, atr in ticks:
        before, trail = trail, follow_trail(trail, price(str(value)), atr, RULES)
        assert (
            Fraction(98, 100) * Fraction(trail.high) <= Fraction(trail.stop) <= Fraction(99, 100) * Fraction(trail.high)
        )
        if before is not None:
            assert trail.stop >= before.stop
            assert trail.high == max(before.high, value)

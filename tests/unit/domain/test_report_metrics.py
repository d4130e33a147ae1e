"""Figures of reports that are not about P&L, against figures computed by hand."""

from decimal import Decimal

import pytest

from bottrader.domain.report_metrics import (
    Exposure,
    break_even_move,
    distance,
    exposures,
    fraction,
    known_cash,
    median,
    rate_of,
    reward_to_risk,
    tenth_percentile,
)


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(("rate", "move"), [("0.0055", "0.0110"), ("0.003", "0.006")])
def test_both_fees_of_a_round_trip_are_paid_by_twice_the_rate(rate: str, move: str) -> None:
    assert break_even_move(Decimal(rate)) == Decimal(move)


def test_a_fraction_of_nothing_is_unknown() -> None:
    assert fraction(1, 8) == Decimal("0.125")
    assert fraction(0, 0) is None


def test_a_rate_is_what_was_paid_over_what_it_was_paid_on() -> None:
    assert rate_of(Decimal("0.6"), Decimal(100)) == Decimal("0.006")
    assert rate_of(Decimal("0.6"), Decimal(0)) is None


def test_the_largest_exposure_comes_first_and_a_quarter_is_a_warning() -> None:
    """B239: 50, 30 and 20 are 50, 30 and 20 %; the first two are warnings, what is not held is left out."""
    found = exposures({"C": Decimal(20), "A": Decimal(50), "B": Decimal(30), "D": Decimal(0)})
    assert found == [
        Exposure("A", Decimal(50), Decimal("0.5")),
        Exposure("B", Decimal(30), Decimal("0.3")),
        Exposure("C", Decimal(20), Decimal("0.2")),
    ]
    assert [each.is_concentrated for each in found] == [True, True, False]
    assert exposures({}) == []


def test_a_share_of_exactly_a_quarter_is_a_warning() -> None:
    assert exposures({"A": Decimal(75), "B": Decimal(25)})[1].is_concentrated


def test_equal_exposures_are_in_order_of_name() -> None:
    assert [each.symbol for each in exposures({"B": Decimal(1), "A": Decimal(1)})] == ["A", "B"]


@pytest.mark.parametrize(
    ("ours", "theirs", "known"),
    [
        ("144.58", "144.58", "144.58"),
        ("144.59", "144.58", "144.58"),
        ("144.57", "144.58", "144.58"),
        ("144.60", "144.58", None),
        ("144.58", None, None),
    ],
)
def test_cash_is_known_when_both_agree_within_a_cent(ours: str, theirs: str | None, known: str | None) -> None:
    """B234, R52"""
    found = known_cash(Decimal(ours), None if theirs is None else Decimal(theirs))
    assert found == (None if known is None else Decimal(known))


def test_reward_to_risk_is_target_distance_over_stop_distance() -> None:
    """From 100 to 103 up and to 98 down: 3 / 2."""
    assert reward_to_risk(Decimal(100), Decimal(103), Decimal(98)) == Decimal("1.5")
    assert reward_to_risk(Decimal(100), Decimal(103), Decimal(100)) is None
    assert reward_to_risk(Decimal(100), Decimal(103), Decimal(101)) is None


def test_a_distance_is_a_share_of_the_entry_whatever_its_direction() -> None:
    assert distance(Decimal(200), Decimal(206)) == Decimal("0.03")
    assert distance(Decimal(200), Decimal(196)) == Decimal("0.02")


def test_the_median_is_the_middle_or_between_the_two() -> None:
    assert median(amounts("5", "1", "3")) == 3
    assert median(amounts("4", "1", "3", "2")) == Decimal("2.5")
    assert median([]) is None


def test_a_tenth_of_all_do_not_exceed_the_tenth_percentile() -> None:
    """Nearest rank: the 1st of 10, the 2nd of 11."""
    ten = [Decimal(number) for number in range(10, 0, -1)]
    assert tenth_percentile(ten) == 1
    assert tenth_percentile([*ten, Decimal(11)]) == 2
    assert tenth_percentile(amounts("7")) == 7
    assert tenth_percentile([]) is None

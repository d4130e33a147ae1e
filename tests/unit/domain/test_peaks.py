"""Peak tracking: the smoothed price, its high, and the guide's rule on the rate of change."""

from decimal import Decimal

import pytest

from bottrader.domain.peaks import (
    SAMPLES_MAX,
    Peak,
    PriceSample,
    RocPeak,
    follow_peak,
    has_drawn_down,
    has_roc_turned,
    raise_roc_peak,
)
from tests.unit.domain.examples import at, price

WINDOW_S = 300
STEP_S = WINDOW_S / SAMPLES_MAX
FIVE_PCT = Decimal("0.05")


def sample(value: str, seconds: float = 0) -> PriceSample:
    return PriceSample(at(seconds / 60), price(value))


def test_tracking_starts_when_told_and_stays_on() -> None:
    """R67: the activation is sticky."""
    idle = follow_peak(Peak(None), sample("100"), 0, is_reached=False)
    assert idle == Peak(None)
    started = follow_peak(idle, sample("107"), 0, is_reached=True)
    assert started == Peak(price("107"))
    assert follow_peak(started, sample("101"), 0, is_reached=False) is started
    assert follow_peak(started, sample("108"), 0, is_reached=False) == Peak(price("108"))


def test_the_high_is_that_of_the_smoothed_price() -> None:
    """(100 + 100 + 109) / 3 = 103; a minute later (100 + 100 + 109 + 115) / 4 = 106."""
    peak = Peak(None)
    for seconds in (0, 60):
        peak = follow_peak(peak, sample("100", seconds), WINDOW_S, is_reached=False)
    peak = follow_peak(peak, sample("109", 120), WINDOW_S, is_reached=True)
    assert peak.high == 103
    peak = follow_peak(peak, sample("115", 180), WINDOW_S, is_reached=True)
    assert peak.high == 106


def test_a_mean_that_does_not_end_is_rounded_up() -> None:
    """(100 + 100 + 101) / 3 = 100.333..."""
    peak = Peak(None, (sample("100"), sample("100", 60)))
    assert follow_peak(peak, sample("101", 120), WINDOW_S, is_reached=True).high == Decimal(
        "100.3333333333333333333333334"
    )


def test_what_is_older_than_the_window_does_not_count() -> None:
    """A sample of exactly five minutes ago is gone, one a moment younger counts."""
    peak = Peak(None, (sample("50", 0), sample("100", 0.001)))
    assert follow_peak(peak, sample("110", WINDOW_S), WINDOW_S, is_reached=True).high == 105


def test_samples_are_kept_a_step_apart_and_never_more_than_fill_the_window() -> None:
    peak = follow_peak(Peak(None), sample("100"), WINDOW_S, is_reached=False)
    assert follow_peak(peak, sample("101", STEP_S - 0.001), WINDOW_S, is_reached=False) is peak
    two = follow_peak(peak, sample("101", STEP_S), WINDOW_S, is_reached=False)
    assert [each.price for each in two.samples] == [100, 101]
    for number in range(1000):
        peak = follow_peak(peak, sample("100", number), WINDOW_S, is_reached=False)
    assert len(peak.samples) == SAMPLES_MAX


def test_a_window_of_one_second_smooths_as_well() -> None:
    """(100 + 110) / 2 = 105."""
    peak = follow_peak(Peak(None), sample("100"), 1, is_reached=False)
    assert peak.samples == (sample("100"),)
    assert follow_peak(peak, sample("110", 0.5), 1, is_reached=True).high == 105


def test_a_sample_of_before_does_not_come_after_one_of_later() -> None:
    peak = Peak(None, (sample("100", 60),))
    assert follow_peak(peak, sample("90", 0), WINDOW_S, is_reached=False) is peak


@pytest.mark.parametrize(("value", "expected"), [("95", True), ("95.01", False)])
def test_a_drawdown_is_met_at_its_threshold(value: str, *, expected: bool) -> None:
    assert has_drawn_down(Peak(price("100")), sample(value), 0, FIVE_PCT) is expected


def test_before_tracking_there_is_no_drawdown() -> None:
    assert not has_drawn_down(Peak(None, (sample("100"),)), sample("1"), WINDOW_S, FIVE_PCT)


@pytest.mark.parametrize(("value", "expected"), [("85", True), ("85.01", False)])
def test_the_mean_draws_down_and_not_the_price(value: str, *, expected: bool) -> None:
    """(100 + 100 + 85) / 3 = 95, whether the price has been taken in already or not."""
    kept = (sample("100"), sample("100", 60))
    now = sample(value, 120)
    for samples in (kept, (*kept, now)):
        assert has_drawn_down(Peak(price("100"), samples), now, WINDOW_S, FIVE_PCT) is expected


def test_a_new_position_is_its_own_peak() -> None:
    """B133, B134, B135"""
    peak = RocPeak(Decimal(40000), Decimal("2.5"))
    assert (peak.price, peak.roc) == (Decimal(40000), Decimal("2.5"))
    higher = raise_roc_peak(peak, Decimal(42000), Decimal("2.5"))
    assert higher.price == 42000
    assert raise_roc_peak(higher, Decimal(41000), Decimal(1)) == higher
    assert raise_roc_peak(higher, Decimal(41000), Decimal(3)) == RocPeak(Decimal(42000), Decimal(3))


@pytest.mark.parametrize(
    ("peak", "roc", "expected"),
    [
        pytest.param("3.0", "2.0", True, id="B136"),
        pytest.param("3.0", "2.5", False, id="B137"),
        pytest.param("3.0", "2.1", True, id="B138"),
        pytest.param("3.0", "2.100001", False, id="just before B138"),
        pytest.param("2.5", "-1.0", True, id="B139"),
        pytest.param("2.5", "-0.0001", True, id="any reversal"),
        pytest.param("0", "0", False, id="no momentum to lose"),
        pytest.param("-1", "0", False, id="a peak below zero"),
    ],
)
def test_momentum_is_over_when_it_turns_or_loses_a_third_of_its_peak(peak: str, roc: str, *, expected: bool) -> None:
    """B136, B137, B138, B139"""
    assert has_roc_turned(RocPeak(Decimal(40000), Decimal(peak)), Decimal(roc)) is expected

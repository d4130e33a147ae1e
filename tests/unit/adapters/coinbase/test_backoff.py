"""Waits between tries."""

import pytest

from bottrader.adapters.coinbase.backoff import wait_s


class Draws:
    """Draws the lowest or the highest number."""

    def __init__(self, highest: bool) -> None:
        self.highest = highest

    def uniform(self, low: float, high: float) -> float:
        return high if self.highest else low

    def secret(self) -> str:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("attempt", "low_s", "high_s"),
    [
        (0, 0.125, 0.25),
        (1, 0.25, 0.5),
        (2, 0.5, 1.0),
        (6, 8.0, 16.0),
        (7, 15.0, 30.0),
        (8, 15.0, 30.0),
        (5000, 15.0, 30.0),
    ],
)
def test_the_wait_doubles_from_a_quarter_second_to_half_a_minute(attempt: int, low_s: float, high_s: float) -> None:
    assert wait_s(attempt, Draws(highest=False)) == low_s
    assert wait_s(attempt, Draws(highest=True)) == high_s

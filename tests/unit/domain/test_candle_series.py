"""Closed candles, each once, in order, whatever the stream does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.candle_series import CandleSeries, Gap, bucket_start
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import Granularity
from tests.unit.domain.examples import BTC, at, candle

FIVE = Granularity.FIVE_MINUTE


def series() -> CandleSeries:
    return CandleSeries(BTC, FIVE)


def test_a_bucket_begins_at_a_multiple_of_its_length() -> None:
    assert bucket_start(at(4.999), FIVE) == at(0)
    assert bucket_start(at(5), FIVE) == at(5)
    assert bucket_start(at(7.5), Granularity.ONE_MINUTE) == at(7)
    assert bucket_start(at(125), Granularity.ONE_HOUR) == at(120)


def test_a_bucket_begins_at_the_same_moment_in_every_time_zone() -> None:
    east = timezone(timedelta(hours=5, minutes=45))
    assert bucket_start(at(7).astimezone(east), FIVE) == at(5)
    assert bucket_start(datetime(2026, 1, 1, 0, 59, tzinfo=UTC), Granularity.ONE_HOUR) == at(0)


def test_a_bucket_is_closed_by_the_next_one_with_its_last_state() -> None:
    followed = series()
    assert followed.update(candle(0, "100")) == (None, None)
    assert followed.update(candle(0, "101")) == (None, None)
    assert followed.update(candle(1, "102")) == (candle(0, "101"), None)


def test_skipped_buckets_are_a_gap() -> None:
    followed = series()
    followed.update(candle(0, "1"))
    assert followed.update(candle(3, "1")) == (candle(0, "1"), Gap(at(5), at(15)))


def test_late_news_of_a_closed_or_older_bucket_is_ignored() -> None:
    followed = series()
    followed.update(candle(1, "1"))
    followed.update(candle(2, "2"))
    assert followed.update(candle(1, "9")) == (None, None)
    assert followed.update(candle(0, "9")) == (None, None)
    followed.update(candle(5, "5"))
    assert followed.update(candle(4, "9")) == (None, None)


def test_a_new_series_asks_for_its_history() -> None:
    assert series().interrupt(at(51), 3) == Gap(at(35), at(50))
    assert series().interrupt(at(50), 3) == Gap(at(35), at(50))
    assert series().interrupt(at(50), 0) is None


def test_an_interrupted_series_asks_for_what_follows_its_last_candle() -> None:
    followed = series()
    followed.update(candle(0, "1"))
    followed.update(candle(1, "1"))
    assert followed.interrupt(at(16), 100) == Gap(at(5), at(15))
    assert followed.interrupt(at(9), 100) is None


def test_a_half_seen_bucket_is_not_handed_out_after_an_interruption() -> None:
    """R39: it was seen until the connection went; what came after is missing from it."""
    followed = series()
    followed.update(candle(0, "1"))
    followed.interrupt(at(2), 1)
    closed, _ = followed.update(candle(1, "2"))
    assert closed is None


def test_the_first_candle_after_an_interruption_reveals_what_is_still_missing() -> None:
    followed = series()
    followed.update(candle(0, "1"))
    followed.update(candle(1, "1"))
    gap = followed.interrupt(at(11), 1)
    assert gap == Gap(at(5), at(10))
    assert followed.fill(gap, []) == []
    assert followed.update(candle(3, "1")) == (None, Gap(at(5), at(15)))


def test_filling_hands_out_what_is_new_and_inside_the_gap() -> None:
    followed = series()
    gap = Gap(at(5), at(15))
    listed = [candle(number, "1") for number in range(5)]
    assert followed.fill(gap, listed) == listed[1:3]
    assert followed.fill(gap, listed) == []
    assert followed.closed_through == at(10)


@pytest.mark.parametrize("numbers", [(1, 0), (1, 1)])
def test_an_answer_out_of_order_is_a_contradiction(numbers: tuple[int, int]) -> None:
    with pytest.raises(InvariantBroken, match="ascend"):
        series().fill(Gap(at(0), at(50)), [candle(number, "1") for number in numbers])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("update"), st.integers(0, 30)),
            st.tuples(st.just("interrupt"), st.integers(0, 30)),
        ),
        max_size=60,
    )
)
@settings(deadline=None, max_examples=150)
def test_any_interleaving_hands_out_each_bucket_once_and_in_order(events: list[tuple[str, int]]) -> None:
    """The venue lists every bucket, so from the first candle handed out on not one may be missing either."""
    followed = series()
    handed: list[int] = []

    def fill(gap: Gap | None) -> None:
        if gap is not None:
            start, end = (int((edge - at(0)).total_seconds()) // 300 for edge in (gap.start, gap.end))
            handed.extend(number_of(c) for c in followed.fill(gap, [candle(n, "1") for n in range(start - 1, end + 1)]))

    def number_of(closed: object) -> int:
        return int((closed.opened_at - at(0)).total_seconds()) // 300  # type: ignore[attr-defined]

    for kind, number in events:
        if kind == "interrupt":
            fill(followed.interrupt(at(5 * number + 1), 3))
        else:
            closed, gap = followed.update(candle(number, "1"))
            if closed is not None:
                handed.append(number_of(closed))
            fill(gap)
    assert handed == list(range(handed[0], handed[0] + len(handed))) if handed else True

"""Query parameters and paging."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from multidict import MultiDict

from coinbase_sim.wire import query
from coinbase_sim.wire.query import ArgumentInvalid


def test_list_filters_may_be_repeated_singular_or_separated_by_commas() -> None:
    for parameters in (
        MultiDict([("product_ids", "A"), ("product_ids", "B")]),
        MultiDict([("product_id", "A"), ("product_id", "B")]),
        MultiDict([("product_ids", "A,B")]),
    ):
        assert query.names(parameters, "product_ids") == {"A", "B"}
    assert query.names(MultiDict({"product_ids": ""}), "product_ids") == frozenset()


def test_order_status_has_no_plural() -> None:
    assert query.names(MultiDict({"order_status": "OPEN"}), "order_status") == {"OPEN"}


@pytest.mark.parametrize(("text", "limit"), [("", 10), ("0", 10), ("7", 7), ("51", 50)])
def test_a_page_is_never_larger_than_the_venue_gives(text: str, limit: int) -> None:
    assert query.page_limit(MultiDict({"limit": text}), 10, 50) == limit


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "٣", "1e3"])
def test_a_limit_is_a_whole_number(text: str) -> None:
    with pytest.raises(ArgumentInvalid, match="limit must be a whole number"):
        query.page_limit(MultiDict({"limit": text}), 10, 50)


def test_unix_times() -> None:
    assert query.unix_time(MultiDict({"start": "86400"}), "start") == datetime(1970, 1, 2, tzinfo=UTC)
    for text in ("", "99999999999999999"):
        with pytest.raises(ArgumentInvalid, match="start"):
            query.unix_time(MultiDict({"start": text}), "start")


def test_timestamps_need_an_offset() -> None:
    assert query.timestamp(MultiDict({"end_date": "2026-01-01T00:00:00Z"}), "end_date") == datetime(
        2026, 1, 1, tzinfo=UTC
    )
    assert query.timestamp(MultiDict({"end_date": "2026-01-01T00:00:00+01:00"}), "end_date") == datetime(
        2026, 1, 1, tzinfo=timezone(timedelta(hours=1))
    )
    assert query.timestamp(MultiDict(), "end_date") is None
    for text in ("2026-01-01T00:00:00", "yesterday"):
        with pytest.raises(ArgumentInvalid, match="end_date"):
            query.timestamp(MultiDict({"end_date": text}), "end_date")


def test_every_granularity_of_the_venue_has_its_width() -> None:
    widths_min = {
        "ONE_MINUTE": 1,
        "FIVE_MINUTE": 5,
        "FIFTEEN_MINUTE": 15,
        "THIRTY_MINUTE": 30,
        "ONE_HOUR": 60,
        "TWO_HOUR": 120,
        "FOUR_HOUR": 240,
        "SIX_HOUR": 360,
        "ONE_DAY": 1440,
    }
    for name, minutes in widths_min.items():
        assert query.granularity_s(MultiDict({"granularity": name})) == minutes * 60
    with pytest.raises(ArgumentInvalid, match="granularity"):
        query.granularity_s(MultiDict({"granularity": "UNKNOWN_GRANULARITY"}))


def test_pages_partition_the_list_and_the_last_has_no_cursor() -> None:
    items = [(name, name.upper()) for name in "abcde"]
    assert query.page(items, "", 2) == (["A", "B"], "b")
    assert query.page(items, "b", 2) == (["C", "D"], "d")
    assert query.page(items, "d", 2) == (["E"], "")
    assert query.page(items, "", 5) == (list("ABCDE"), "")
    assert query.page([], "", 5) == ([], "")


def test_a_newcomer_in_front_does_not_shift_the_next_page() -> None:
    items = [(name, name) for name in "abcd"]
    _, cursor = query.page(items, "", 2)
    assert query.page([("new", "new"), *items], cursor, 2) == (["c", "d"], "")


def test_a_cursor_from_elsewhere_is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="cursor"):
        query.page([("a", "a")], "z", 2)

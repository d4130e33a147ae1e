"""A correction is news when it says something else than the last one of its kind and subject."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bottrader.domain.corrections import Correction, CorrectionKind, is_standing, newest, news_among

NOON = datetime(2026, 1, 11, 12, tzinfo=UTC)
GONE = Correction(CorrectionKind.BALANCE, "cash USD", "100", "90", "alarm", NOON)
LATER = replace(GONE, at=NOON + timedelta(hours=1))
BACK = replace(GONE, ours="90", action="equal again")


def test_the_same_again_is_no_news_and_after_a_change_it_is() -> None:
    """B277"""
    assert news_among([LATER], [GONE]) == []
    assert news_among([LATER], [GONE, BACK]) == [LATER]
    assert news_among([BACK], [GONE]) == [BACK]
    assert news_among([replace(GONE, subject="cash EUR")], [GONE]) != []
    assert news_among([replace(GONE, kind=CorrectionKind.CASH)], [GONE]) != []


def test_only_a_difference_of_balances_stands() -> None:
    assert is_standing(GONE)
    assert not is_standing(BACK)
    assert not is_standing(replace(GONE, kind=CorrectionKind.ORDER))
    assert newest([GONE, BACK]) == {GONE.key: BACK}

"""Which report of an order says something new."""

from decimal import Decimal

import pytest

from bottrader.domain.money import Size
from bottrader.domain.order_progress import OrderProgress, progress_of
from bottrader.domain.orders import OrderState


def progress(size: str, *, has_ended: bool = False) -> OrderProgress:
    return OrderProgress(Size(Decimal(size)), has_ended)


@pytest.mark.parametrize(
    ("known", "report", "is_news"),
    [
        (progress("1"), progress("1"), False),
        (progress("1"), progress("2"), True),
        (progress("2"), progress("1"), False),
        (progress("2"), progress("2", has_ended=True), True),
        (progress("2", has_ended=True), progress("2"), False),
        (progress("2", has_ended=True), progress("1", has_ended=True), False),
        # Told out of order: the end came first, then a fill that it did not count.
        (progress("1", has_ended=True), progress("2"), True),
        (progress("2"), progress("0", has_ended=True), True),
    ],
)
def test_only_a_report_that_goes_beyond_is_news(known: OrderProgress, report: OrderProgress, is_news: bool) -> None:
    """F25"""
    assert report.goes_beyond(known) is is_news


def test_what_is_known_never_goes_back() -> None:
    both = progress("2").joined(progress("1", has_ended=True))
    assert both == progress("1", has_ended=True).joined(progress("2")) == progress("2", has_ended=True)


def test_every_last_state_is_an_end() -> None:
    ends = {state for state in OrderState if progress_of(Size(Decimal(0)), state).has_ended}
    assert ends == {state for state in OrderState if state.is_terminal}

"""The view of a window: what does not add up is never shown."""

from decimal import Decimal

import pytest

from bottrader.app.periodic.view import PeriodView
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.round_trips import Group
from tests.fixtures.report_facts import PRICED, facts_of, occasion


def test_groups_that_do_not_add_up_to_the_whole_are_refused() -> None:
    """E6, R53: 4.768 is all there is."""
    view = PeriodView(facts_of(), PRICED, occasion())
    view.add_up([Group(1, Decimal("4.768"), Decimal("4.768"), None)], "by symbol")
    with pytest.raises(InvariantBroken, match=r"by symbol adds up to 4\.767, all of it to 4\.768"):
        view.add_up([Group(1, Decimal("4.767"), Decimal("4.767"), None)], "by symbol")

"""The table that `bottrader lots versions` prints."""

from decimal import Decimal

from rich.console import Console

from bottrader.cli.lots_command import versions_table
from bottrader.domain.lots import LotMethod
from bottrader.ports import AllocationVersion, VersionStatus, VersionSummary
from tests.fixtures.facts import at


def test_each_version_shows_what_it_holds_and_which_is_active() -> None:
    versions = [
        VersionSummary(AllocationVersion(1, LotMethod.FIFO), VersionStatus.DROPPED, False, at(0), 0, 0, Decimal(0)),
        VersionSummary(
            AllocationVersion(2, LotMethod.LIFO), VersionStatus.COMPLETE, True, at(60), 1234, 5, Decimal("-0.0000001")
        ),
    ]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(versions_table(versions))
    _, first, second = capture.get().splitlines()
    assert first.split() == ["1", "fifo", "dropped", "2026-01-11", "12:00", "UTC", "0", "0", "0"]
    assert second.split() == ["2", "lifo", "active", "2026-01-11", "12:01", "UTC", "1,234", "5", "-0.0000001"]

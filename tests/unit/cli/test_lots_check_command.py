"""What `bottrader lots check` prints."""

import pytest
from rich.console import Console

from bottrader.app.check_lots import LotsCheck
from bottrader.cli.lots_check_command import FINDINGS_SHOWN, show
from bottrader.domain.lot_checks import Check, Finding
from bottrader.domain.lots import LotMethod
from bottrader.ports import AllocationVersion

VERSION = AllocationVersion(3, LotMethod.HIFO)


def printed(*checks: Check, is_asked_in_vain: bool = False) -> list[str]:
    console = Console(width=200, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as shown:
        show(LotsCheck(VERSION, checks, is_asked_in_vain), console)
    return [line.rstrip() for line in shown.get().splitlines()]


def test_each_check_is_shown_with_its_count_or_why_it_was_left_out() -> None:
    first, *rest, last = printed(Check("sizes", 1234, "sells"), Check("coins", 0, "coins", left_out="by --no-exchange"))
    assert first == "allocations of version 3, hifo"
    assert [line.split() for line in rest] == [
        ["holds", "sizes", "1,234", "sells"],
        ["left", "out", "coins", "by", "--no-exchange"],
    ]
    assert last == "everything that was checked holds"


@pytest.mark.parametrize(("position", "where"), [(7, "BTC-USD position 7"), (None, "BTC-USD")])
def test_a_difference_names_place_expectation_and_finding(position: int | None, where: str) -> None:
    lines = printed(Check("sizes", 2, "sells", [Finding("BTC-USD", position, "size 1", "size [2]")]))
    assert lines[1].split() == ["DIFFERS", "sizes", "2", "sells"]
    assert lines[2] == f"{where}: expected size 1, found size [2]"
    assert lines[3].startswith("1 differences; `bottrader lots rebuild`")


def test_of_many_differences_the_first_are_shown_and_all_are_counted() -> None:
    findings = [Finding("BTC-USD", number, "one", "two") for number in range(FINDINGS_SHOWN + 1500)]
    lines = printed(Check("sizes", 2000, "sells", findings))
    assert sum("expected one" in line for line in lines) == FINDINGS_SHOWN
    assert lines[-2:] == [
        "and 1,500 more of: sizes",
        "1,520 differences; `bottrader lots rebuild` computes the allocations anew from the facts",
    ]


def test_an_exchange_that_did_not_answer_is_the_last_word() -> None:
    lines = printed(Check("coins", 0, "coins", left_out="not compared: no answer"), is_asked_in_vain=True)
    assert lines[-1] == "the exchange could not be compared"

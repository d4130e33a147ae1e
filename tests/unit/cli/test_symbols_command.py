"""The table that `bottrader symbols` prints."""

from rich.console import Console

from bottrader.app.survey_symbols import SymbolRow, SymbolSurvey
from bottrader.cli.symbols_command import symbols_table
from tests.fixtures.facts import BTC, ETH, make_leaderboard


def printed(survey: SymbolSurvey) -> list[str]:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(symbols_table(survey))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_row_says_whether_it_is_entered_and_how_it_stands() -> None:
    """A score in brackets is one that is not eligible."""
    board = make_leaderboard()
    best, last = board.standings
    rows = (SymbolRow(ETH, None, best), SymbolRow(BTC, "BTC is excluded for good", last))
    lines = printed(SymbolSurvey(rows, board.computed_at, board.computed_at))
    assert lines[2].split() == ["ETH-USD", "yes", "3", "100%", "1.00", "5.00", "3.46"]
    assert lines[3].split("  ")[0] == "BTC-USD"
    assert "no: BTC is excluded for good" in lines[3]
    assert lines[3].split()[-6:] == ["2", "-", "0.00", "no", "losses", "(0.00)"]


def test_without_trades_it_says_so() -> None:
    lines = printed(SymbolSurvey((SymbolRow(BTC, None, None),), None, None))
    assert lines[2].split() == ["BTC-USD", "yes", "-", "-", "-", "-", "-"]
    assert "Results as of no sell yet" in " ".join(lines)

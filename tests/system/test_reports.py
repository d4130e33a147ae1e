"""The daily and the weekly report of a paper run, as files and as a browser shows them."""

import csv
from pathlib import Path

import pytest

from bottrader.app.periodic.document import sections_of
from bottrader.domain.report_schedule import ReportKind
from tests.fixtures.browser import Screen, draw
from tests.fixtures.candle_files import lively_rows, write_csv
from tests.fixtures.command_line import opened_shell
from tests.unit.adapters.report.test_html import Page

# A day and an hour of five-minute candles, in which positions end by a signal and by a trail.
CANDLES, SEED = 300, 3
SCREENS = [
    Screen(390, 9000),
    Screen(390, 9000, is_dark=True),
    Screen(1280, 5500),
    Screen(1280, 5500, is_dark=True),
]
NAMES = ["phone-light", "phone-dark", "desk-light", "desk-dark"]
EQUAL = "equals the ledger's sum of"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both reports; what the commands said lies beside them."""
    with opened_shell(tmp_path_factory.mktemp("reports")) as shell:
        candles = write_csv(shell.folder / "BTC-USD.csv", lively_rows(CANDLES, SEED)).name
        traded = shell.run("paper", "--candles", candles, "--speed", "max")
        assert traded.returncode == 0, traded.stderr
        for kind in ReportKind:
            made = shell.run("report", kind.value, "--hours", "240", "--out", kind.value)
            assert made.returncode == 0, made.stderr
            (shell.folder / kind.value / "said.txt").write_text(made.stdout)
        return shell.folder


def file_of(reports: Path, kind: ReportKind, suffix: str) -> Path:
    (found,) = (reports / kind.value).glob(f"{kind.value}-*{suffix}")
    return found


@pytest.mark.parametrize("kind", list(ReportKind))
def test_all_sections_are_in_page_text_and_figures(reports: Path, kind: ReportKind) -> None:
    page = Page(file_of(reports, kind, ".html").read_text())
    text = file_of(reports, kind, ".txt").read_text().splitlines()
    with file_of(reports, kind, ".csv").open(newline="") as lines:
        in_csv = {row[0] for row in csv.reader(lines)}
    for name in sections_of(kind):
        assert name.value in page.words
        assert name.value in text
        assert name.value in in_csv


@pytest.mark.parametrize("kind", list(ReportKind))
def test_the_total_equals_the_ledgers_and_says_so(reports: Path, kind: ReportKind) -> None:
    """B235, E6: something was traded, and the command says what the page says."""
    (said,) = (line for line in (reports / kind.value / "said.txt").read_text().splitlines() if EQUAL in line)
    assert "sum of 0 " not in said
    assert said in " ".join(Page(file_of(reports, kind, ".html").read_text()).words)


@pytest.mark.parametrize("screen", SCREENS, ids=NAMES)
@pytest.mark.parametrize("kind", list(ReportKind))
def test_a_browser_shows_them_on_a_phone_and_a_desk_by_day_and_by_night(
    reports: Path, kind: ReportKind, screen: Screen
) -> None:
    name = f"{kind.value}-{NAMES[SCREENS.index(screen)]}.png"
    picture = draw(file_of(reports, kind, ".html"), reports / name, screen)
    # A blank page of this size compresses to a few kilobytes.
    assert picture.stat().st_size > 100_000

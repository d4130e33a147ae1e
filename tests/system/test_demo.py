"""The demo as a newcomer meets it: no keys, no database, no Docker."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.fixtures.browser import Screen, draw
from tests.fixtures.command_line import Shell, opened_shell

MINUTES = "1400"
SECTIONS = {
    *("Trading report", "Key figures", "Equity", "Profit and loss by exit reason", "Profit and loss by product"),
    *("Closed trades", "Open lots", "Cash, step by step", "Fees"),
}
EQUAL_FIGURES = re.compile(
    r"Ledger equals the exchange's to the last digit: cash USD (?P<cash>[\d.]+), .*fees (?P<fees>[\d.]+)\."
)
TRADE = re.compile(
    r"(?m)^\d\d-\d\d \d\d:\d\d +[A-Z]+-USD +(hard stop|soft stop|trailing stop|max hold|signal exit) .* [+−]?[\d.,]+$"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a demo of about a day; what the demo printed lies beside it."""
    with opened_shell(tmp_path_factory.mktemp("demo")) as shell:
        result = shell.run("demo", "--minutes", MINUTES)
        assert result.returncode == 0, result.stdout + result.stderr
        (shell.folder / "said.txt").write_text(result.stdout)
        return shell.folder / "bottrader-demo.html"


def test_the_demo_trades_and_its_books_equal_the_exchange(page: Path) -> None:
    said = page.with_name("said.txt").read_text()

    assert TRADE.search(said), said
    equality = EQUAL_FIGURES.search(said.splitlines()[-1])
    assert equality is not None, said
    text = _text_of(page)
    assert "to the last digit" in text
    assert equality["cash"] in page.read_text().replace(",", "") or equality["cash"] in text.replace(",", "")
    assert len(re.findall(r"hard stop|soft stop|trailing stop|max hold|signal exit", text)) >= len(TRADE.findall(said))


def test_the_page_needs_nothing_but_itself(page: Path) -> None:
    """It is opened from a mail or a disk, perhaps years later: nothing may be fetched."""
    html = page.read_text()

    outside = re.findall(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//[^"'\s>]+""", html)
    assert outside == []
    assert "@import" not in html
    assert "<script src" not in html


def test_a_browser_shows_the_page(page: Path) -> None:
    """The screenshot is skipped where there is no browser; what the page says is checked in any case."""
    assert set(_headings_of(page)) >= SECTIONS

    picture = draw(page, page.with_suffix(".png"), Screen(1200, 1600))

    # A blank page of this size compresses to a few kilobytes.
    assert picture.stat().st_size > 30_000


def test_the_demo_keeps_its_hands_off_the_users_books(shell: Shell) -> None:
    result = shell.run(
        "demo", "--minutes", "30", "--report", "elsewhere.html", DATABASE_URL="postgresql://127.0.0.1:1/x"
    )

    assert result.returncode == 0, result.stderr
    assert not shell.data_dir.exists()
    assert [path.name for path in shell.folder.iterdir()] == ["elsewhere.html"]


class _Reader(HTMLParser):
    """Collects what a reader sees, and the headings of it."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.headings: list[str] = []
        self._tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._tags and self._tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if not text or {"style", "script"} & set(self._tags):
            return
        self.words.append(text)
        if self._tags and self._tags[-1] in {"h1", "h2"}:
            self.headings.append(text)


def _read(page: Path) -> _Reader:
    reader = _Reader()
    reader.feed(page.read_text())
    return reader


def _text_of(page: Path) -> str:
    return " ".join(_read(page).words)


def _headings_of(page: Path) -> list[str]:
    return _read(page).headings

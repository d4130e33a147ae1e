"""The threat model: whom it is defended against, by which test, and what is not defended at all."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEST = re.compile(r"`(tests/[\w/]+\.py)::[\w:]+`")


def rows_under(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert f"\n## {heading}\n" in text, f"SECURITY.md has no part {heading!r}"
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def names_in(rows: Sequence[Sequence[str]]) -> list[str]:
    return [row[0] for row in rows]


def test_assets_and_attackers_have_names_of_their_own() -> None:
    """Promise P12"""
    for heading in ("What there is to lose", "Who attacks"):
        names = names_in(rows_under(heading))
        assert len(names) >= 5
        assert len(set(names)) == len(names)


def test_every_defence_is_against_somebody_and_names_its_test() -> None:
    """Promise P12: that the test exists is what `lint` looks for on every page."""
    attackers, defences = names_in(rows_under("Who attacks")), rows_under("What is defended")
    assert {defence[0] for defence in defences} == set(attackers), "each attacker meets something, and nobody else does"
    for _, what, how in defences:
        assert what
        assert TEST.search(how), f"no test keeps this: {what}"


def test_what_is_not_defended_is_listed_too() -> None:
    """Promise P12"""
    rows = rows_under("What is not defended")
    assert len(rows) >= 8
    assert all(len(row) == 2 and all(row) for row in rows), "what, and what a person can do about it"


@pytest.mark.parametrize("word", ["at rest", "Coinbase", "root", "signed image", "denial of service"])
def test_what_somebody_may_take_for_granted_is_said_not_to_be_there(word: str) -> None:
    assert word in " ".join(cell for row in rows_under("What is not defended") for cell in row)

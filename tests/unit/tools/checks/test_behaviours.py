"""The list of behaviours is held to the tests: a row without a test, and a proof without a row, are found."""

from pathlib import Path

import pytest

from tools import behaviours_page
from tools.checks import behaviours

# Written by halves, so that the scan of this very repository does not take these samples for proofs.
TESTS = '''
def test_one() -> None:
    """{B}1, {R}7: a docstring."""
class TestGroup:
    @pytest.mark.parametrize("x", [pytest.param(["1"], id="{B}3"), pytest.param(["-9"], id="{B}2 low")])
    async def test_two(self) -> None: ...
def test_run() -> None:
    """A run ({B}3-{B}5)."""
def test_invariants() -> None:
    """F31, invariant {R}7, invariant {R}8: other letters of the same name."""
def not_a_test() -> None:
    """{B}9."""
'''.format(B="B", R="R")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests/unit/test_it.py").write_text(TESTS)
    rows = "\n".join(f"| {each} | what happens | |" for each in ("B1", "B2", "B3", "B4", "B5", "R7"))
    page = behaviours_page.render(f"# Behaviours\n\n{rows}\n", behaviours.proofs(tmp_path))
    (tmp_path / behaviours.PAGE).write_text(page)
    return tmp_path


def told(tree: Path) -> list[str]:
    return [offence.message for offence in behaviours.check(tree)]


def edit(tree: Path, old: str, new: str) -> None:
    page = tree / behaviours.PAGE
    page.write_text(page.read_text().replace(old, new))


def test_a_page_that_names_every_proof_is_in_order(tree: Path) -> None:
    page = (tree / behaviours.PAGE).read_text()
    assert told(tree) == []
    assert "| B2 | what happens | `tests/unit/test_it.py::TestGroup::test_two` |" in page
    assert "| B3 | what happens | `tests/unit/test_it.py::TestGroup::test_two`, `" in page
    assert "| B4 | what happens | `tests/unit/test_it.py::test_run` |" in page


def test_a_row_without_a_test_is_found(tree: Path) -> None:
    edit(tree, "| R7 |", "| B9 | nobody proves this |  |\n| R7 |")
    assert told(tree) == ["no test names B9 in its docstring"]


def test_a_proof_without_a_row_is_found(tree: Path) -> None:
    edit(tree, "| R7 | what happens |", "R7 fell out of the table")
    assert told(tree) == ["tests/unit/test_it.py::test_one proves R7, which has no row"]


def test_a_row_that_names_another_test_is_stale(tree: Path) -> None:
    edit(tree, "test_it.py::test_one`", "test_it.py::test_old`")
    what = [message.partition(";")[0] for message in told(tree)]
    assert what == ["the tests of B1 have changed", "the tests of R7 have changed"]


def test_a_row_that_stands_twice_is_found(tree: Path) -> None:
    edit(tree, "| B1 |", "| B2 | again | `tests/unit/test_it.py::TestGroup::test_two` |\n| B1 |")
    assert "B2 has two rows" in told(tree)


def test_a_row_names_three_tests_and_counts_the_rest() -> None:
    assert behaviours.render_row("B1", "x", ["a", "b", "c", "d"]) == "| B1 | x | `a`, `b`, `c` and 1 more |"


def test_the_page_is_written_and_compared(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert behaviours_page.main(["--check"]) == 0
    edit(tree, "test_it.py::test_one`", "test_it.py::test_old`")
    assert behaviours_page.main(["--check"]) == 1
    assert behaviours_page.main([]) == 0
    assert told(tree) == []

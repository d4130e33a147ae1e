"""A promise that no test keeps is found, whatever the page says instead of a test."""

from pathlib import Path

import pytest

from tools.checks import promises

FILE = "tests/unit/test_it.py"
ROOT = Path(__file__).parents[4]
TESTS = '''
def test_all() -> None:
    """{ids}."""
class TestGroup:
    async def test_inside(self) -> None:
        """Promise P1."""
def test_bare() -> None:
    """P1, R1: the rows of performance and of failures have these letters too."""
def test_silent() -> None: ...
'''


def spelt(identifier: str) -> str:
    return promises.WORDS.get(identifier[0], "") + identifier


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a repository in which every promise is kept, all by one test."""
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / FILE).write_text(TESTS.format(ids=", ".join(map(spelt, promises.IDS))))
    rows = "\n".join(f"| {each} | it holds | `{FILE}::test_all` |" for each in promises.IDS)
    (tmp_path / promises.PAGE).write_text(
        f"# Promises\n\n| promise | test |\n|---|---|\n| Money is exact | `{FILE}::test_silent` |\n\n"
        f"| gate | code |\n|---|---|\n| a table of other things | `CODE` |\n\n"
        f"| id | promise | kept by |\n|---|---|---|\n{rows}\n"
    )
    return tmp_path


def told(tree: Path) -> list[str]:
    return [offence.message for offence in promises.check(tree)]


def edit(tree: Path, old: str, new: str) -> None:
    page = tree / promises.PAGE
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new))


def test_a_page_whose_promises_are_kept_has_no_offence(tree: Path) -> None:
    assert told(tree) == []


@pytest.mark.parametrize("identifier", ["S1", "E7", "L3", "R2", "P1", "P12"])
@pytest.mark.parametrize("instead", ["", "not kept yet: there is no time", "`nox -s lint`", "read by people"])
def test_a_promise_without_a_test_is_an_offence_whatever_stands_there(
    tree: Path, identifier: str, instead: str
) -> None:
    edit(tree, f"| {identifier} | it holds | `{FILE}::test_all` |", f"| {identifier} | it holds | {instead} |")
    found = told(tree)
    assert "a promise without a test: write the test, or take the promise back" in found
    assert len(found) <= 2


def test_a_promise_without_an_id_needs_a_test_too(tree: Path) -> None:
    edit(tree, f"`{FILE}::test_silent`", "surely")
    assert told(tree) == ["a promise without a test: write the test, or take the promise back"]


@pytest.mark.parametrize("identifier", promises.IDS)
def test_an_id_without_a_row_is_an_offence(tree: Path, identifier: str) -> None:
    edit(tree, f"| {identifier} | it holds | `{FILE}::test_all` |\n", "")
    assert told(tree) == [f"{identifier} has no row"]


def test_an_id_with_two_rows_is_an_offence(tree: Path) -> None:
    row = f"| S1 | it holds | `{FILE}::test_all` |\n"
    edit(tree, row, row * 2)
    assert told(tree) == ["S1 has two rows"]


@pytest.mark.parametrize("name", ["test_silent", "test_gone", "TestGroup::test_gone", "TestGone::test_inside"])
def test_a_test_that_does_not_carry_the_id_keeps_nothing(tree: Path, name: str) -> None:
    edit(tree, f"| P1 | it holds | `{FILE}::test_all` |", f"| P1 | it holds | `{FILE}::test_all`, `{FILE}::{name}` |")
    assert told(tree) == [f"{FILE}::{name} does not carry P1 in its docstring"]


def test_a_test_inside_a_class_may_carry_it(tree: Path) -> None:
    edit(tree, f"| P1 | it holds | `{FILE}::test_all` |", f"| P1 | it holds | `{FILE}::TestGroup::test_inside` |")
    assert told(tree) == []


@pytest.mark.parametrize("identifier", ["P1", "R1"])
def test_the_letters_of_other_tables_need_a_word(tree: Path, identifier: str) -> None:
    edit(tree, f"| {identifier} | it holds | `{FILE}::test_all` |", f"| {identifier} | it | `{FILE}::test_bare` |")
    assert told(tree) == [f"{FILE}::test_bare does not carry {identifier} in its docstring"]


@pytest.mark.parametrize(
    ("docstring", "identifier", "expected"),
    [
        ("E5, promise P6", "P6", True),
        ("Promise P6.", "P6", True),
        ("Promise P60", "P6", False),
        ("promise P6", "P60", False),
        ("R2", "R2", False),
        ("F31, invariant R2: x", "R2", True),
        ("E45", "E4", False),
        ("x E4y", "E4", False),
    ],
)
def test_an_id_is_a_word(docstring: str, identifier: str, expected: bool) -> None:
    assert promises.carries(docstring, identifier) is expected


def test_a_repository_without_the_page_promises_nothing_and_this_one_has_it(tmp_path: Path) -> None:
    assert list(promises.check(tmp_path)) == []
    assert (ROOT / promises.PAGE).is_file()

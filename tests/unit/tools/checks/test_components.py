"""The matrix of components is held to the markers: an empty cell, an unknown name and an old page are found."""

from pathlib import Path

import pytest

from tests.guards.components import COMPONENTS as REGISTERED
from tools.checks import components

MODULE = "import pytest\npytestmark = pytest.mark.component({names})\ndef test_all() -> None: ...\n"
SINGLE = """
import pytest
@pytest.mark.component("logger")
async def test_one() -> None: ...
@pytest.mark.component("fifo_engine", "logger")
class TestGroup:
    def test_two(self) -> None: ...
@pytest.mark.component("logger")
class TestInherited(Contract): ...
def test_unmarked() -> None: ...
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    names = ", ".join(f'"{name}"' for name in components.COMPONENTS)
    for folder in components.LAYERS.values():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "test_all.py").write_text(MODULE.format(names=names))
    (tmp_path / "docs").mkdir()
    page = components.render(
        f"# Testing\n\n{components.BEGIN}\n{components.END}\n\n## Next\n", components.tests_by_cell(tmp_path)
    )
    (tmp_path / components.PAGE).write_text(page)
    return tmp_path


def told(tree: Path) -> list[str]:
    return [offence.message for offence in components.check(tree)]


def test_pytest_and_the_page_know_the_same_components() -> None:
    assert components.COMPONENTS == REGISTERED


def test_a_full_matrix_is_no_offence_and_the_rest_of_the_page_stays(tree: Path) -> None:
    assert told(tree) == []
    page = (tree / components.PAGE).read_text()
    assert page.startswith("# Testing\n")
    assert page.endswith("\n\n## Next\n")
    assert page.count("`tests/end_to_end/test_all.py::test_all`") == len(components.COMPONENTS)


def test_markers_of_functions_classes_and_modules_count(tree: Path) -> None:
    (tree / "tests/unit/test_single.py").write_text(SINGLE)
    cells = components.tests_by_cell(tree)
    assert cells["logger", "unit"] == [
        "tests/unit/test_all.py::test_all",
        "tests/unit/test_single.py::test_one",
        "tests/unit/test_single.py::TestGroup::test_two",
        "tests/unit/test_single.py::TestInherited",
    ]
    assert cells["fifo_engine", "unit"][1:] == ["tests/unit/test_single.py::TestGroup::test_two"]
    assert told(tree) == []


def test_a_page_that_names_another_test_is_old(tree: Path) -> None:
    (tree / "tests/unit/test_a.py").write_text(MODULE.format(names='"logger"'))
    assert told(tree) == [f"the matrix of components is out of date; {components.REMEDY}"]


def test_an_empty_cell_is_named(tree: Path) -> None:
    (tree / "tests/end_to_end/test_all.py").write_text(MODULE.format(names='"logger"'))
    assert "no e2e test is marked with fifo_engine (FIFO engine)" in told(tree)
    assert "no e2e test is marked with logger (Logger)" not in told(tree)


def test_a_component_that_is_not_in_the_table_is_named(tree: Path) -> None:
    (tree / "tests/unit/test_odd.py").write_text(MODULE.format(names='"planted"'))
    assert "tests/unit/test_odd.py::test_all is marked with planted, which is no component" in told(tree)


def test_a_repository_without_the_page_has_no_offence(tmp_path: Path) -> None:
    assert told(tmp_path) == []

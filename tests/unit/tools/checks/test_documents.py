"""Pages that name what is not there are found, and so are settings whose page is of yesterday."""

from pathlib import Path

import pytest

from tools.checks import configuration, documents

TESTS = """
def test_alone() -> None: ...
async def test_waiting() -> None: ...
class TestGroup:
    def test_inside(self) -> None: ...
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a repository with one file of tests and one page."""
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "docs/adr").mkdir(parents=True)
    (tmp_path / "tests/unit/test_it.py").write_text(TESTS)
    (tmp_path / "docs/adr/0001-first.md").write_text("[back](../../tests/unit/test_it.py)\n")
    return tmp_path


def told(tree: Path) -> list[str]:
    return [str(offence) for offence in documents.check(tree)]


@pytest.mark.parametrize("name", ["test_alone", "test_waiting", "TestGroup", "TestGroup::test_inside"])
def test_a_test_that_exists_may_be_named(tree: Path, name: str) -> None:
    (tree / "README.md").write_text(f"`tests/unit/test_it.py::{name}`\n")
    assert told(tree) == []


@pytest.mark.parametrize("name", ["tests/unit/test_it.py::test_inside", "tests/unit/test_gone.py::test_alone"])
def test_a_test_that_does_not_exist_is_an_offence(tree: Path, name: str) -> None:
    (tree / "docs/promises.md").write_text(f"first line\n`{name}`\n")
    assert told(tree) == [f"docs/promises.md:2: there is no test {name}"]


def test_a_link_to_nothing_is_an_offence_wherever_its_page_lies(tree: Path) -> None:
    (tree / "docs/adr/0002-second.md").write_text("[x](0001-first.md#part) [y](0003-third.md)\n")
    assert told(tree) == ["docs/adr/0002-second.md:1: the link 0003-third.md leads nowhere"]


def test_links_to_other_sites_and_into_the_same_page_are_not_followed(tree: Path) -> None:
    (tree / "README.md").write_text("[a](https://example.org/x) [b](#part)\n")
    assert told(tree) == []


class TestConfiguration:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Path:
        """Return a repository whose page fits its settings."""
        source = "class Settings:\n    size: int = 3\n"
        for folder in (configuration.CONFIG, configuration.PAGE.parent):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / configuration.CONFIG / "sizing.py").write_text(source)
        (tmp_path / configuration.PAGE).write_text(f"<!--\nsettings sha256: {configuration.digest([source])} -->\n")
        return tmp_path

    def test_a_page_of_these_settings_is_fine(self, settings: Path) -> None:
        assert list(configuration.check(settings)) == []

    def test_a_page_of_other_settings_is_an_offence(self, settings: Path) -> None:
        (settings / configuration.CONFIG / "sizing.py").write_text("class Settings:\n    size: int = 4\n")
        assert [offence.message for offence in configuration.check(settings)] == [
            "written from other settings; run `nox -s gen`"
        ]

    def test_a_missing_page_is_an_offence(self, settings: Path) -> None:
        (settings / configuration.PAGE).unlink()
        assert [offence.message for offence in configuration.check(settings)] == [
            "the page is missing; run `nox -s gen`"
        ]

"""The page of settings: what each kind of setting looks like there, and that the repository has the newest one."""

from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from bottrader.config import Settings
from tools import configuration_page
from tools.checks.configuration import CONFIG, PAGE, digest

ROOT = Path(__file__).parents[3]
SOURCE = "class SampleSettings:\n    size: int = 3\n"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Sample(BaseModel):
    """One setting of each kind that has a spelling of its own."""

    size: int = Field(3, gt=0, le=9, description="how many")
    colour: Colour = Field(Colour.RED, description="which one")
    is_on: bool = Field(False, description="whether")
    names: tuple[str, ...] = Field(("a", "b"), description="whose")
    coins: frozenset[str] = Field(frozenset(), description="what")
    folder: Path = Field(default_factory=Path.cwd, description="where")
    secret: str | None = Field(None, description="hush")


@pytest.mark.parametrize(
    "row",
    [
        "| `BOTTRADER_SIZE` | `3` | above 0, at most 9 | how many |",
        "| `BOTTRADER_COLOUR` | `red` | `red` or `blue` | which one |",
        "| `BOTTRADER_IS_ON` | `false` |  | whether |",
        "| `BOTTRADER_NAMES` | `a,b` |  | whose |",
        "| `BOTTRADER_COINS` | empty |  | what |",
        "| `BOTTRADER_FOLDER` | depends on the machine |  | where |",
        "| `BOTTRADER_SECRET` | none |  | hush |",
    ],
)
def test_a_setting_is_one_row(row: str) -> None:
    assert row in configuration_page.render({"sample": Sample}, {}, [SOURCE]).splitlines()


def test_a_profile_lists_its_values_under_its_title() -> None:
    page = configuration_page.render({"sample": Sample}, {"In the lab:": {"size": 5}}, [SOURCE])
    assert page.endswith("\n\nIn the lab:\n\n* `BOTTRADER_SIZE=5`\n")


def test_every_setting_has_a_meaning() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_in_the_repository_is_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert configuration_page.main(["--check"]) == 0


def test_a_page_is_written_once_and_then_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIG).mkdir(parents=True)
    (tmp_path / CONFIG / "sample.py").write_text(SOURCE)
    (tmp_path / PAGE).parent.mkdir()
    assert configuration_page.main(["--check"]) == 1
    assert configuration_page.main([]) == 0
    assert configuration_page.main(["--check"]) == 0
    (tmp_path / PAGE).write_text((tmp_path / PAGE).read_text() + "by hand\n")
    assert configuration_page.main(["--check"]) == 1


def test_a_group_of_settings_stands_under_its_own_heading() -> None:
    page = configuration_page.render({"sample": Sample}, {}, [SOURCE]).splitlines()
    heading = page.index("## One setting of each kind that has a spelling of its own")
    assert page[heading + 2].startswith("| variable |")


@pytest.mark.parametrize(
    "other",
    [
        [SOURCE.replace("3", "4")],
        [SOURCE.replace("size", "width")],
        [SOURCE.replace("SampleSettings", "OtherSettings")],
        [SOURCE, "class MoreSettings:\n    width: int = 3\n"],
    ],
)
def test_names_defaults_and_groups_count_for_the_name_of_the_settings(other: list[str]) -> None:
    assert digest([SOURCE]) != digest(other)


def test_what_the_page_does_not_show_does_not_count() -> None:
    method = "\n    def shown(self) -> None: ...\n"
    same = '"""Other words."""\n' + SOURCE.replace("int", "Whole") + method + "\nOTHER = 1\n"
    assert digest([SOURCE]) == digest([same, "class Loader:\n    size: int = 9\n"])

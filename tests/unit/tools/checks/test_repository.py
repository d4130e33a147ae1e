"""The rules together: over a whole tree, and over this repository."""

from pathlib import Path

import pytest

from tools.checks import __main__ as house
from tools.checks.constraints import CONSTRAINTS, EXPORTED, LOCK, check, digest
from tools.checks.source import ROOTS
from tools.constraints import render

ROOT = Path(__file__).parents[4]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a repository without offences."""
    for folder in ("packages/bottrader/src/bottrader/app", "tests", "tools", CONSTRAINTS.parent.as_posix()):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "noxfile.py").write_text("import nox\n")
    (tmp_path / LOCK).write_text("version = 1\n")
    for file in EXPORTED:
        (tmp_path / file).write_text(render((tmp_path / LOCK).read_bytes(), "aiohttp==3.14.5\n"))
    return tmp_path


def test_a_clean_tree_has_no_offence(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.main(tree) == 0
    assert capsys.readouterr().out == "house rules: 0 offences\n"


def test_offences_in_every_root_are_printed_and_fail(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offence = "import asyncio\nasyncio.wait_for(f(), 1)\n"
    planted = ["packages/bottrader/src/bottrader/app/wait.py", "tests/test_wait.py", "tools/wait.py", "noxfile.py"]
    for path in planted:
        (tree / path).write_text(offence)
    assert house.main(tree) == 1
    printed = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in printed] == [*planted, "house rules"]
    assert printed[-1] == "house rules: 4 offences"


def test_a_file_that_does_not_parse_is_an_offence_and_hides_no_other(tree: Path) -> None:
    (tree / "tests/test_a.py").write_text("def broken(:\n")
    (tree / "tests/test_b.py").write_text("from asyncio import wait_for\n")
    found = [(offence.path.name, offence.line) for offence in house.offences(tree)]
    assert found == [("test_a.py", 1), ("test_b.py", 1)]


def test_constraints_of_another_lock_are_an_offence(tree: Path) -> None:
    (tree / LOCK).write_text("version = 2\n")
    assert [str(found) for found in check(tree)] == [
        f"requirements/{name}.txt:1: exported from another uv.lock; run `nox -s gen`"
        for name in ("constraints", "image", "image-build")
    ]


@pytest.mark.parametrize("file", EXPORTED, ids=str)
def test_missing_constraints_are_an_offence(tree: Path, file: Path) -> None:
    (tree / file).unlink()
    assert [found.message for found in check(tree)] == ["the file is missing; run `nox -s gen`"]


def test_constraints_without_the_name_of_their_lock_are_an_offence(tree: Path) -> None:
    (tree / CONSTRAINTS).write_text("aiohttp==3.14.5\n")
    assert list(check(tree))


def test_the_name_of_a_lock_is_its_sha256() -> None:
    # printf 'version = 1\n' | sha256sum
    assert digest(b"version = 1\n") == "dbab12665d98aef021ba64953c61b0ed8a908cfb56a1c01e2fcb4b052b71a2a1"


def test_every_python_file_of_the_repository_lies_under_a_checked_root() -> None:
    hidden = {path.name for path in ROOT.iterdir() if path.name.startswith(".")} | {"build", "dist"}
    unchecked = [path for path in ROOT.iterdir() if path.name not in hidden | set(ROOTS)]
    assert not [stray for path in unchecked for stray in ([path] if path.suffix == ".py" else path.rglob("*.py"))]

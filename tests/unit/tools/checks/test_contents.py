"""A package holds what belongs to it."""

from pathlib import Path

from tools.checks import contents


def test_a_stray_file_in_a_package_is_told_and_what_belongs_there_is_not(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "bot" / "src" / "bot"
    (package / "__pycache__").mkdir(parents=True)
    belonging = ("__init__.py", "py.typed", "page.html.j2", "page.css", "__pycache__/page.cpython-311.pyc")
    for name in (*belonging, "pillow-13.0.0-cp311.whl"):
        (package / name).write_bytes(b"")
    told = list(contents.check(tmp_path))
    assert [str(offence.path) for offence in told] == ["packages/bot/src/bot/pillow-13.0.0-cp311.whl"]
    assert "remove it" in told[0].message


def test_what_is_beside_the_sources_is_of_no_interest(tmp_path: Path) -> None:
    (tmp_path / "packages" / "bot" / "dist").mkdir(parents=True)
    (tmp_path / "packages" / "bot" / "dist" / "bot.whl").write_bytes(b"")
    assert list(contents.check(tmp_path)) == []

"""A release is of the version that its tag names."""

from pathlib import Path

from tools.ci.release import refusals


def test_a_tag_of_another_version_is_refused_for_each_package(tmp_path: Path) -> None:
    for name, version in (("bot", "0.2.0"), ("sim", "0.1.0")):
        (tmp_path / name).write_text(f'[project]\nname = "{name}"\nversion = "{version}"\n')
    projects = [tmp_path / "bot", tmp_path / "sim"]
    assert refusals("v0.2.0", projects) == ["sim is 0.1.0, so its tag is v0.1.0, not v0.2.0"]
    assert len(refusals("0.2.0", projects)) == 2
    assert refusals("v0.1.0", projects[1:]) == []

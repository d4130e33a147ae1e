"""A run inside a run keeps to the folders of the outer one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guards.nested_runs import environment_of_a_nested_run

INNER = """
def test_inner(tmp_path):
    print(f"<{tmp_path}>")
"""


def test_a_nested_run_makes_its_folders_inside_those_of_this_one(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What it shares with other runs it makes private, and an embedded server of theirs would lose its data."""
    (tmp_path / "test_inner.py").write_text(INNER)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_inner.py"]
    env = environment_of_a_nested_run()
    inner = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert inner.returncode == 0, inner.stdout
    folder = Path(inner.stdout.partition("<")[2].partition(">")[0])
    assert folder.is_relative_to(tmp_path_factory.getbasetemp())

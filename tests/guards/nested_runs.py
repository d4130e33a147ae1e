"""A pytest that a test starts makes its temporary folders inside those of this run.

Whenever pytest starts, it takes the folder that all runs of a user share away from everybody else. A server that this
run has started below it as another user, as the embedded one is started by root, would lose the way to its data.
"""

import os

import pytest

TEMPROOT = "PYTEST_DEBUG_TEMPROOT"


def environment_of_a_nested_run() -> dict[str, str]:
    """Return the environment for a pytest that knows nothing of this one, except where its folders belong."""
    ours = ("COVERAGE_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if name == TEMPROOT or not name.startswith(ours)}


@pytest.fixture(scope="session", autouse=True)
def _own_folder_for_nested_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    # For as long as this process lives: put back after the last test, it would look like something of that test's.
    os.environ[TEMPROOT] = str(tmp_path_factory.getbasetemp())

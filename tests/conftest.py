"""Guards for every layer: what a test may touch follows from the folder it lies in, however pytest was started."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fixtures.evidence"]

UNIT = Path(__file__).parent / "unit"
# How many examples a property is tried with, unless it says so itself: HYPOTHESIS_PROFILE=nightly for the long run.
settings.register_profile("local", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True, database=None, print_blob=True)
settings.register_profile("nightly", deadline=None, max_examples=10_000, print_blob=True)
settings.register_profile("mutation", deadline=None, max_examples=20, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open the loopback to the layers that talk to servers of their own; unit tests and other hosts stay closed."""
    for item in items:
        if UNIT not in item.path.parents:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


@pytest.fixture(autouse=True)
def _unit_tests_do_not_sleep(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a unit test that blocks: waiting is done on a fake clock."""
    if UNIT in request.path.parents:
        monkeypatch.setattr("time.sleep", _refuse_to_sleep)


def _refuse_to_sleep(seconds: float) -> None:
    pytest.fail(f"a unit test slept {seconds} s for real; wait on a fake clock")

"""Guards for every layer: what a test may touch follows from the folder it lies in, however pytest was started."""

from pathlib import Path

import pytest

UNIT = Path(__file__).parent / "unit"
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

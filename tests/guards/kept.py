"""`--keep-db`: the database of a failing test is kept, and its address is printed at the end of the run."""

from collections.abc import Iterator

import pytest

FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep-db", action="store_true", help="keep the databases of failing tests and print their URLs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if getattr(report, "failed", False):
        item.stash[FAILED] = True
    return report


def is_kept(item: pytest.Item, url: str, kept: list[str]) -> bool:
    """Tell whether the database of this test is to be kept; if so, it is written down in `kept`."""
    if not item.config.getoption("--keep-db") or not item.stash.get(FAILED, False):
        return False
    kept.append(f"{item.nodeid}: {url}")
    return True

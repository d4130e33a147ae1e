"""A test leaves the process as it found it: folder, environment, decimal arithmetic, locale, time zone, log levels."""

import decimal
import locale
import logging
import os
import time
from collections.abc import Iterator

import pytest

BEFORE = pytest.StashKey[dict[str, object]]()
# pytest's own, which changes with each phase of a test.
PHASE = "PYTEST_CURRENT_TEST"


@pytest.fixture(autouse=True)
def _note_the_state(request: pytest.FixtureRequest) -> None:
    request.node.stash[BEFORE] = _state()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    before = item.stash.get(BEFORE, None)
    if before is None:
        return
    after = _state()
    changed = [f"{name} was {before[name]} and is {value}" for name, value in after.items() if before[name] != value]
    if before["environment"] != after["environment"]:
        changed = [line for line in changed if not line.startswith("environment")]
        # Names only: a value may be a secret.
        changed.append(f"environment: {', '.join(_changed_names(before['environment'], after['environment']))}")
    if changed:
        pytest.fail(
            f"the test changed what all tests share: {'; '.join(changed)}; use monkeypatch or a local context",
            pytrace=False,
        )


def _state() -> dict[str, object]:
    context = decimal.getcontext()
    return {
        "folder": os.getcwd(),  # noqa: PTH109 - in each of thousands of tests
        "environment": {name: value for name, value in os.environ.items() if name != PHASE},
        "decimal precision": context.prec,
        "decimal rounding": context.rounding,
        "decimal traps": tuple(signal.__name__ for signal, is_on in context.traps.items() if is_on),
        "locale": locale.setlocale(locale.LC_ALL),
        "time zone": time.tzname,
        "level of all logs": logging.root.level,
        "logs disabled up to": logging.root.manager.disable,
    }


def _changed_names(before: object, after: object) -> list[str]:
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))

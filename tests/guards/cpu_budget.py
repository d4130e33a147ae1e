"""A unit test may use 100 ms of this process's CPU time in its call phase. Wall time would be luck on a shared machine.

The rule, so that it is fair:

- importing a module for the first time is not counted, nor is the table of all characters that Hypothesis makes on the
  first run of a Python: whichever test comes first would pay for all others;
- a property has 100 ms and 20 ms more for each example of its profile, drawing included;
- while coverage traces, everything is allowed twice;
- a slow or a busy machine, on which the same work takes more CPU seconds, allows as much more: a test that is over its
  limit is set against a yardstick that is timed at that moment;
- `@pytest.mark.cpu_budget(ms, reason)` raises the limit of one test, to 1000 ms at the most.

The slowest are printed at the end of each run. `-p no:tests.guards.cpu_budget` switches it off, which is meant for
mutants: a slow mutant is not a killed one.
"""

import builtins
import gc
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from statistics import median
from time import process_time
from typing import Any

import pytest
from hypothesis import find, settings
from hypothesis import strategies as st

from tests.guards.layers import layer_of

BUDGET_MS = 100
PER_EXAMPLE_MS = 20
BUDGET_MS_MAX = 1000
SLOWEST = 5
PROPERTY = "cpu_ms"
YARDSTICK_MS = 5.0
"""What the yardstick takes on the slowest machine on which 100 ms are meant as they stand."""
YARDSTICK_RUNS = 5
YARDSTICK_STEPS = 15_000

_import, _import_module = builtins.__import__, importlib.import_module
# Milliseconds and names of the tests of this run; with xdist they come to the controller with their reports.
_used: list[tuple[float, str]] = []


class Imports:
    """The CPU seconds of first imports in the test that is running; `depth` of those that are nested."""

    spent_s = 0.0
    depth = 0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "cpu_budget(ms, reason): a unit test that needs more than 100 ms of CPU, and why"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    if layer_of(item.path) != "unit":
        return (yield)
    limit_ms = limit_of(item)
    if item.get_closest_marker("hypothesis"):
        _prepare_hypothesis()
    # What others left is set aside: to search all of it for garbage takes 50 ms, which would meet one test by chance.
    gc.collect()
    gc.freeze()
    Imports.spent_s = 0.0
    builtins.__import__, importlib.import_module = _timed_import, _timed_import_module
    started = process_time()
    try:
        result = yield
    finally:
        used_ms = (process_time() - started - Imports.spent_s) * 1000
        builtins.__import__, importlib.import_module = _import, _import_module
    item.user_properties.append((PROPERTY, round(used_ms, 1)))
    if used_ms > limit_ms and used_ms > (limit_ms := limit_ms * _slowness()):
        pytest.fail(
            f"used {used_ms:.0f} ms of CPU and may use {limit_ms:.0f}; make it smaller, move it to another layer,"
            " or say why it needs more with @pytest.mark.cpu_budget(ms, reason)",
            pytrace=False,
        )
    return result


@cache
def _prepare_hypothesis() -> None:
    find(st.text(), lambda _: True, settings=settings(max_examples=1, database=None))


def limit_of(item: pytest.Item) -> float:
    """Return the milliseconds that this test may use."""
    limit = float(BUDGET_MS)
    if marker := item.get_closest_marker("cpu_budget"):
        limit, reason = float(marker.args[0]), str(marker.args[1])
        if limit > BUDGET_MS_MAX or not reason.strip():
            pytest.fail(
                f"cpu_budget takes up to {BUDGET_MS_MAX} ms and a reason; was {limit:.0f} and {reason!r}", pytrace=False
            )
    if item.get_closest_marker("hypothesis"):
        limit += PER_EXAMPLE_MS * _examples_of(getattr(item, "obj", None))
    return limit * 2 if _is_traced() else limit


def _examples_of(test: Any) -> int:
    owner = getattr(getattr(test, "__self__", None), "settings", None)
    chosen = getattr(test, "_hypothesis_internal_use_settings", owner) or settings.default
    return int(chosen.max_examples) if isinstance(chosen, settings) else 0


def _slowness() -> float:
    """Return how much slower this machine is now than one on which a limit is meant as it stands; at least 1."""
    taken = []
    for _ in range(YARDSTICK_RUNS):
        started = process_time()
        sum(Decimal(number) * Decimal("1.1") for number in range(YARDSTICK_STEPS))
        taken.append((process_time() - started) * 1000)
    return max(1.0, median(taken) / YARDSTICK_MS)


def _is_traced() -> bool:
    coverage = sys.modules.get("coverage")
    return sys.gettrace() is not None or (coverage is not None and coverage.Coverage.current() is not None)


def _timed_import(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002 - the names of what it stands for
    locals: Mapping[str, object] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    module = None if level else sys.modules.get(name)
    # Libraries import again and again in their innermost loops, where reading the clock would cost more than they do.
    if module is not None and all(hasattr(module, wanted) for wanted in fromlist or ()):
        return _import(name, globals, locals, fromlist, level)
    return _timed(_import, name, globals, locals, fromlist, level)


def _timed_import_module(*arguments: Any, **options: Any) -> Any:
    return _timed(_import_module, *arguments, **options)


def _timed(work: Any, *arguments: Any, **options: Any) -> Any:
    """Run an import; only the outermost of nested ones is timed."""
    if Imports.depth:
        return work(*arguments, **options)
    started, known = process_time(), len(sys.modules)
    Imports.depth = 1
    try:
        return work(*arguments, **options)
    finally:
        Imports.depth = 0
        if len(sys.modules) != known:
            Imports.spent_s += process_time() - started


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    used_ms = dict(report.user_properties).get(PROPERTY)
    if report.when == "call" and isinstance(used_ms, float):
        _used.append((used_ms, report.nodeid))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _used:
        return
    total_s = sum(used_ms for used_ms, _ in _used) / 1000
    terminalreporter.section("CPU time of unit tests")
    terminalreporter.line(f"{len(_used)} tests used {total_s:.1f} s in their call phases; the slowest:")
    for used_ms, name in sorted(_used, reverse=True)[:SLOWEST]:
        terminalreporter.line(f"{used_ms:6.0f} ms  {name}")

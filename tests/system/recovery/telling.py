"""What the accidents took, at the end of the run: a line for each test, and the figures of all kinds over all tests.

Tests hand it over as properties of their reports, which come from other processes too.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

TOLD = "recovery"
TAKEN = "recovery_s"


def summary_of(taken: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a line for each kind of accident, and one for all: from its moment until positions are looked after."""
    every = [second for each in taken.values() for second in each]
    return [
        f"{kind}: {len(each)} measured, until protected again median {median(each):.1f} s, worst {max(each):.1f} s"
        for kind, each in [*sorted(taken.items()), ("all", every)]
        if each
    ]


def tell(terminalreporter: Any) -> None:
    """Write what the tests that passed have handed over."""
    properties = [each for report in terminalreporter.stats.get("passed", ()) for each in report.user_properties]
    told = [value for name, value in properties if name == TOLD]
    if not told:
        return
    taken: dict[str, list[float]] = defaultdict(list)
    for kind, seconds in (each for name, value in properties if name == TAKEN for each in value.items()):
        taken[kind] += seconds
    terminalreporter.section("recovery")
    for line in [*told, *summary_of(taken)]:
        terminalreporter.line(line)

"""The guards of every layer, each a module of `tests/guards`; docs/testing.md says what they forbid."""

import os

from hypothesis import settings

pytest_plugins = [
    # For the tests of the guards themselves, which run pytest on planted offences.
    "pytester",
    "tests.guards.network",
    "tests.guards.exchange_hosts",
    "tests.guards.waiting",
    "tests.guards.leaks",
    "tests.guards.hidden_state",
    "tests.guards.cpu_budget",
    "tests.guards.components",
    "tests.guards.database_mark",
    "tests.guards.kept",
    "tests.guards.nested_runs",
    "tests.fixtures.evidence",
]

# How many examples a property is tried with, unless it says so itself: HYPOTHESIS_PROFILE=nightly for the long run.
settings.register_profile("local", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True, database=None, print_blob=True)
settings.register_profile("nightly", deadline=None, max_examples=10_000, print_blob=True)
settings.register_profile("mutation", deadline=None, max_examples=20, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))

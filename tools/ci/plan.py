"""Turn `nox --list --json --no-dependencies -t ci` into GitHub's job matrices: a session is written down once.

Reads the listing from standard input and prints two lines for `$GITHUB_OUTPUT`: `check`, and `docker` for the
sessions that have to meet a real engine. An empty matrix would skip its job and pass, so it is an error.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# The interpreter that runs Nox in CI; only its layers are measured, and the artifact step needs to know.
MEASURING = "3.11"
MEASURED = {"unit", "integration", "e2e", "system"}

Row = Mapping[str, Any]


def rows(listing: Iterable[Mapping[str, Any]]) -> Sequence[Row]:
    """Return one row for each session: what the job runs, on which Python, and whether it leaves coverage data."""
    return [
        {
            "session": entry["session"],
            "python": entry["python"] or MEASURING,
            "docker": "docker" in entry["tags"],
            "measured": entry["name"] in MEASURED and entry["python"] == MEASURING,
        }
        for entry in listing
    ]


def plan(listing: Iterable[Mapping[str, Any]]) -> Mapping[str, Sequence[Row]]:
    """Split the sessions into the two matrices; raises `ValueError` when one is empty."""
    everything = rows(listing)
    matrices = {
        "check": [row for row in everything if not row["docker"]],
        "docker": [row for row in everything if row["docker"]],
    }
    for name, chosen in matrices.items():
        if not chosen:
            raise ValueError(f"no session for the {name} matrix; are the tags `ci` and `docker` set in noxfile.py?")
    return matrices


if __name__ == "__main__":
    for name, matrix in plan(json.load(sys.stdin)).items():
        print(f"{name}={json.dumps(matrix)}")

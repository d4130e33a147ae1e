"""Turn `nox --list --json --no-dependencies -t ci` into GitHub's job matrices: a session is written down once.

Reads the listing from standard input and prints two lines for `$GITHUB_OUTPUT`: `check`, and `docker` for the
sessions that have to meet a real engine, once for each server that their tags name (`pg16` is PostgreSQL 16). An empty
matrix would skip its job and pass, so it is an error.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# The interpreter that runs Nox in CI; only its layers are measured, and the artifact step needs to know.
MEASURING = "3.11"
MEASURED = {"unit", "integration", "e2e", "system"}
SERVER = re.compile(r"pg(\d+)")

Row = Mapping[str, Any]


def rows(listing: Iterable[Mapping[str, Any]]) -> Sequence[Row]:
    """Return one row for each session, and for a session with Docker one for each server.

    A row says what the job runs, on which Python, on which PostgreSQL (empty without Docker), and whether it
    leaves coverage data: a layer does so once, on its first server.
    """
    found = []
    for entry in listing:
        needs_docker = "docker" in entry["tags"]
        leaves_data = entry["name"] in MEASURED and entry["python"] == MEASURING
        for place, major in enumerate(_servers(entry) if needs_docker else [""]):
            found.append(
                {
                    "session": entry["session"],
                    "python": entry["python"] or MEASURING,
                    "docker": needs_docker,
                    "postgres": major,
                    "measured": leaves_data and place == 0,
                }
            )
    return found


def _servers(entry: Mapping[str, Any]) -> Sequence[str]:
    majors = [found[1] for tag in entry["tags"] if (found := SERVER.fullmatch(tag))]
    if not majors:
        raise ValueError(f"{entry['session']} needs Docker but no tag says which PostgreSQL; add one like pg16")
    return majors


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

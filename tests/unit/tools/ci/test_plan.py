"""CI's matrix is computed from Nox's listing."""

from typing import Any

import pytest

from tools.ci.plan import plan


def entry(name: str, python: str | None, *tags: str) -> dict[str, Any]:
    """Return one row as `nox --list --json` writes it."""
    session = f"{name}-{python}" if python and name != "lint" else name
    return {"session": session, "name": name, "python": python, "tags": list(tags), "description": "", "call_spec": {}}


def test_sessions_that_need_docker_get_a_matrix_of_their_own() -> None:
    matrices = plan([entry("unit", "3.12", "ci", "fast"), entry("integration", "3.12", "ci", "docker", "pg16")])
    assert [row["session"] for row in matrices["check"]] == ["unit-3.12"]
    assert [row["session"] for row in matrices["docker"]] == ["integration-3.12"]


def test_only_measured_layers_on_the_measuring_python_leave_coverage() -> None:
    listing = [
        entry("unit", "3.11", "ci"),
        entry("unit", "3.12", "ci"),
        entry("performance", "3.11", "ci"),
        entry("integration", "3.11", "ci", "docker", "pg16", "pg17"),
    ]
    measured = [(row["session"], row["postgres"]) for rows in plan(listing).values() for row in rows if row["measured"]]
    assert measured == [("unit-3.11", ""), ("integration-3.11", "16")]


def test_a_session_with_docker_meets_every_server_that_its_tags_name() -> None:
    listing = [entry("unit", "3.12", "ci"), entry("integration", "3.12", "ci", "docker", "pg16", "pg17", "pg18")]
    rows = plan(listing)["docker"]
    assert [row["postgres"] for row in rows] == ["16", "17", "18"]
    assert {row["session"] for row in rows} == {"integration-3.12"}


def test_a_session_with_docker_and_no_server_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"integration-3\.12 needs Docker but no tag says which PostgreSQL"):
        plan([entry("unit", "3.12", "ci"), entry("integration", "3.12", "ci", "docker")])


def test_a_session_without_a_python_runs_on_the_measuring_one() -> None:
    matrices = plan([entry("lint", None, "ci"), entry("integration", "3.13", "ci", "docker", "pg16")])
    assert matrices["check"][0]["python"] == "3.11"


@pytest.mark.parametrize(
    ("listing", "empty"),
    [
        ([], "check"),
        ([entry("unit", "3.11", "ci")], "docker"),
        ([entry("integration", "3.11", "docker", "pg16")], "check"),
    ],
)
def test_an_empty_matrix_is_an_error_because_its_job_would_be_skipped(listing: list[Any], empty: str) -> None:
    with pytest.raises(ValueError, match=f"no session for the {empty} matrix"):
        plan(listing)

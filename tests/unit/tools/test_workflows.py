"""The workflow, the hooks and the mirror agree with the noxfile, and nothing in them can fail in silence."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import nox.registry
import pytest
import yaml

import noxfile
from tools.ci.plan import plan

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MIRRORS = {"codecov"}
PATIENCE_MINUTES = {"ci": 20, "nightly": 120, "weekly": 180, "release": 15}
"""How long a job may take: somebody waits for CI and for a release, and nobody for the night."""
PINNED_HOOKS = "pre-commit-hooks==6.0.0"
SESSION = re.compile(r"nox (?:--\S+ )*-s (?P<name>[\w-]+)")


def load(path: str | Path) -> Any:
    # BaseLoader keeps `on` a word and `3.11` a text.
    return yaml.load((ROOT / path).read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - it builds texts only


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(load(request.param))


@pytest.fixture
def jobs() -> dict[str, Any]:
    return dict(load(".github/workflows/ci.yml")["jobs"])


def steps() -> Iterator[dict[str, Any]]:
    """Yield every step of every workflow and composite action."""
    for path in WORKFLOWS:
        for job in load(path)["jobs"].values():
            yield from job["steps"]
    for path in sorted((ROOT / ".github/actions").glob("*/action.yml")):
        yield from load(path)["runs"]["steps"]


def hooks() -> list[dict[str, Any]]:
    """Return the hooks before a commit; there is no repository of hooks but this one."""
    # Not `load`, which leaves the hooks' common part out.
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    return list(local["hooks"])


def test_every_action_is_pinned_to_a_commit_and_names_its_version() -> None:
    """Promise P11"""
    used = [
        line.strip()
        for path in sorted((ROOT / ".github").rglob("*.yml"))
        for line in path.read_text().splitlines()
        if "uses:" in line and "uses: ./" not in line
    ]
    assert used
    assert not [line for line in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)+$", line)]


def test_no_permission_is_granted_to_a_whole_workflow(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_its_own_permissions_and_a_limit_in_time(path: Path) -> None:
    for name, job in load(path)["jobs"].items():
        assert "permissions" in job, name
        assert int(job["timeout-minutes"]) <= PATIENCE_MINUTES[path.stem], name


@pytest.mark.parametrize("name", ["nightly", "weekly"])
def test_a_scheduled_workflow_runs_the_sessions_of_its_tag_also_by_hand_and_may_only_read(name: str) -> None:
    workflow = load(f".github/workflows/{name}.yml")
    assert set(workflow["on"]) == {"schedule", "workflow_dispatch"}
    tagged = {session for session, func in nox.registry.get().items() if name in func.tags}
    assert workflow["jobs"].keys() == tagged
    for session, job in workflow["jobs"].items():
        assert job["permissions"] == {"contents": "read"}
        assert [step["run"] for step in job["steps"] if "nox" in step.get("run", "")] == [f"nox -s {session}"]


def test_the_night_tries_properties_endurance_orders_load_and_advisories_and_the_week_every_mutant() -> None:
    """Promise P11"""
    assert load(".github/workflows/nightly.yml")["jobs"].keys() == {"nightly", "soak", "flake", "load", "audit"}
    assert load(".github/workflows/weekly.yml")["jobs"].keys() == {"mutation"}


def test_only_the_mirror_and_the_publisher_get_an_identity() -> None:
    with_identity = {
        (path.stem, name)
        for path in WORKFLOWS
        for name, job in load(path)["jobs"].items()
        if "id-token" in job["permissions"]
    }
    assert with_identity == {("ci", "codecov"), ("release", "publish")}


def test_no_secret_but_the_jobs_own_token_is_asked_for() -> None:
    assert not [path.name for path in WORKFLOWS if "secrets." in path.read_text()]


def test_a_release_is_built_once_tried_and_only_then_published() -> None:
    jobs = load(".github/workflows/release.yml")["jobs"]
    ran = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert ran["build"] == ['python -m tools.ci.release "$GITHUB_REF_NAME"', "nox -s package", "nox -s sbom"]
    assert ran["publish"] == ["nox -s publish"]
    assert (jobs["publish"]["needs"], jobs["page"]["needs"]) == ("build", "publish")
    assert jobs["publish"]["environment"]["name"] == "pypi"


def test_what_is_published_meets_no_cache() -> None:
    for job in load(".github/workflows/release.yml")["jobs"].values():
        for step in job["steps"]:
            assert "actions/cache" not in step.get("uses", "")
            if step.get("uses") == "./.github/actions/nox":
                assert step["with"]["cache"] == "false"


def test_a_superseded_run_is_cancelled_and_one_on_main_is_not(workflow: dict[str, Any]) -> None:
    assert workflow["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_no_job_and_no_step_may_fail_unseen() -> None:
    for path in (*WORKFLOWS, ROOT / ".ci/run"):
        text = path.read_text()
        assert "continue-on-error" not in text
        assert "|| true" not in text


def test_no_expression_is_pasted_into_a_script() -> None:
    assert not [step["run"] for step in steps() if "${{" in step.get("run", "")]


def test_no_checkout_leaves_credentials_behind() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_the_one_required_job_needs_every_job_but_the_mirror(jobs: dict[str, Any]) -> None:
    assert set(jobs["all-green"]["needs"]) == jobs.keys() - {"all-green"} - MIRRORS
    assert jobs["all-green"]["if"] == "always()"


def test_every_session_that_is_named_somewhere_exists() -> None:
    known = nox.registry.get().keys()
    for path in (*WORKFLOWS, ROOT / ".pre-commit-config.yaml", ROOT / ".ci/run"):
        for found in SESSION.finditer(path.read_text()):
            assert found["name"].rstrip("-") in known, (path.name, found[0])


def test_the_matrices_come_from_the_plan(jobs: dict[str, Any]) -> None:
    assert jobs["check"]["strategy"]["matrix"] == {"include": "${{ fromJSON(needs.plan.outputs.check) }}"}
    assert jobs["integration"]["strategy"]["matrix"] == {"include": "${{ fromJSON(needs.plan.outputs.docker) }}"}
    assert all(jobs[name]["strategy"]["fail-fast"] == "false" for name in ("check", "integration"))


def test_the_docker_job_accepts_no_other_server_than_the_planned_one(jobs: dict[str, Any]) -> None:
    assert jobs["integration"]["env"] == {"REQUIRE_DOCKER": "1", "BOTTRADER_TEST_PG_MAJOR": "${{ matrix.postgres }}"}


def test_the_run_on_a_bare_machine_skips_no_page_and_runs_on_docker_what_needs_it() -> None:
    before, after = (ROOT / ".ci/run").read_text().split("export REQUIRE_DOCKER=1")
    assert "export REQUIRE_BROWSER=1" in before
    assert '-m "database and not nightly"' in after
    assert 'nox -s "system-$version" -- tests/system/test_stack.py' in after


def test_every_session_of_the_listing_has_its_rows_in_the_matrices() -> None:
    """Each session tagged `ci` on each of its Pythons, and with Docker on each PostgreSQL that is promised."""
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "--list", "--json", "--no-dependencies", "-t", "ci"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NOX_SCRIPT_MODE": "none"},
    )
    matrices = plan(json.loads(listed.stdout))
    planned = {(row["session"], row["postgres"]) for rows in matrices.values() for row in rows}
    expected = set()
    for name, func in nox.registry.get().items():
        if "ci" not in func.tags:
            continue
        pythons = [func.python] if isinstance(func.python, str) else cast("list[str]", func.python)
        sessions = [name] if len(pythons) == 1 else [f"{name}-{python}" for python in pythons]
        # One stack, with the server that its files name; the layer that talks to servers meets each of them.
        servers = {"integration": noxfile.POSTGRES, "stack": ("16",)}.get(name, ("",))
        expected |= {(session, major) for session in sessions for major in servers}
    assert planned == expected
    assert len(matrices["docker"]) == len(noxfile.PYTHONS) * 3 + 1


def test_hidden_coverage_data_are_uploaded_and_missing_ones_fail(jobs: dict[str, Any]) -> None:
    for name in ("check", "integration"):
        upload = jobs[name]["steps"][-1]["with"]
        assert upload["include-hidden-files"] == "true"
        assert upload["if-no-files-found"] == "error"


def test_a_failed_job_leaves_what_explains_it(jobs: dict[str, Any]) -> None:
    assert load(".github/workflows/ci.yml")["env"]["TEST_EVIDENCE"] == "build/evidence"
    for name in ("check", "integration"):
        (upload,) = [step for step in jobs[name]["steps"] if step.get("if") == "failure()"]
        assert {"build/junit/", "build/evidence/"} == set(upload["with"]["path"].split())
        assert 'python -m tools.ci.summary >> "$GITHUB_STEP_SUMMARY"' in [
            step.get("run") for step in jobs[name]["steps"]
        ]


def test_coverage_is_judged_on_the_data_that_arrived_and_on_the_lines_that_changed(jobs: dict[str, Any]) -> None:
    assert 'nox --no-dependencies -s cover -- --base "$BASE"' in [step.get("run") for step in jobs["cover"]["steps"]]
    assert set(jobs["cover"]["needs"]) == {"check", "integration"}


@pytest.mark.parametrize("name", ["cover", "mutation"])
def test_a_job_that_compares_with_the_base_has_the_whole_history(jobs: dict[str, Any], name: str) -> None:
    assert jobs[name]["steps"][0]["with"]["fetch-depth"] == "0"


def test_a_pull_request_breaks_the_rules_that_it_changes(jobs: dict[str, Any]) -> None:
    assert jobs["mutation"]["if"] == "github.event_name == 'pull_request'"
    assert 'nox -s mutation -- --changed "origin/$BASE"' in [step.get("run") for step in jobs["mutation"]["steps"]]


def test_the_mirror_knows_exactly_the_measured_layers(jobs: dict[str, Any]) -> None:
    layers = set(noxfile.MEASURED)
    codecov = load("codecov.yml")
    assert {flag["name"] for flag in codecov["flag_management"]["individual_flags"]} == layers
    assert int(codecov["codecov"]["notify"]["after_n_builds"]) == len(layers)
    assert [step["run"] for step in jobs["codecov"]["steps"] if "run" in step] == ["nox -s codecov"]


def test_hooks_come_from_the_package_index_and_from_nowhere_else() -> None:
    for hook in hooks():
        assert hook["language"] == "python"
        assert hook["additional_dependencies"]


def test_hooks_run_sessions_or_a_program_that_is_pinned() -> None:
    for hook in hooks():
        if not hook["entry"].startswith("nox -s "):
            assert hook["additional_dependencies"] == [PINNED_HOOKS], hook["id"]


def test_hooks_choose_only_linters_that_exist() -> None:
    chosen = {
        word for hook in hooks() if " -- " in hook["entry"] for word in hook["entry"].partition(" -- ")[2].split()
    }
    assert chosen == noxfile.lint_commands().keys()


def test_the_unit_tests_are_a_hook() -> None:
    assert "nox -s quick" in [hook["entry"] for hook in hooks()]

"""The workflow, the hooks and the mirror agree with the noxfile, and nothing in them can fail in silence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nox.registry
import pytest
import yaml

import noxfile

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MIRRORS = {"codecov"}
PATIENCE_MINUTES = {"ci": 20, "nightly": 120}
"""How long a job may take: somebody waits for CI, and nobody for the night."""
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


def test_every_action_is_pinned_to_a_commit_and_names_its_version() -> None:
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


def test_the_night_runs_its_sessions_on_a_schedule_and_by_hand_and_may_only_read() -> None:
    nightly = load(".github/workflows/nightly.yml")
    assert set(nightly["on"]) == {"schedule", "workflow_dispatch"}
    tagged = {name for name, func in nox.registry.get().items() if "nightly" in func.tags}
    assert nightly["jobs"].keys() == tagged == {"nightly", "mutation"}
    for name, job in nightly["jobs"].items():
        assert job["permissions"] == {"contents": "read"}
        assert [step["run"] for step in job["steps"] if "run" in step] == [f"nox -s {name}"]


def test_only_the_mirror_gets_an_identity(jobs: dict[str, Any]) -> None:
    assert {name for name, job in jobs.items() if "id-token" in job["permissions"]} == MIRRORS


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


def test_the_docker_job_accepts_no_other_server(jobs: dict[str, Any]) -> None:
    assert jobs["integration"]["env"]["REQUIRE_DOCKER"] == "1"


def test_hidden_coverage_data_are_uploaded_and_missing_ones_fail(jobs: dict[str, Any]) -> None:
    for name in ("check", "integration"):
        upload = jobs[name]["steps"][-1]["with"]
        assert upload["include-hidden-files"] == "true"
        assert upload["if-no-files-found"] == "error"


def test_coverage_is_judged_on_the_data_that_arrived(jobs: dict[str, Any]) -> None:
    assert "nox --no-dependencies -s cover" in [step.get("run") for step in jobs["cover"]["steps"]]
    assert set(jobs["cover"]["needs"]) == {"check", "integration"}


def test_the_mirror_knows_exactly_the_measured_layers(jobs: dict[str, Any]) -> None:
    layers = set(noxfile.MEASURED)
    codecov = load("codecov.yml")
    assert {flag["name"] for flag in codecov["flag_management"]["individual_flags"]} == layers
    assert int(codecov["codecov"]["notify"]["after_n_builds"]) == len(layers)
    assert set(jobs["codecov"]["strategy"]["matrix"]["flag"]) == layers


def test_hooks_are_pinned_to_commits_or_run_the_gates_own_tools() -> None:
    for repository in load(".pre-commit-config.yaml")["repos"]:
        if repository["repo"] == "local":
            assert all(hook["entry"].startswith("nox -s ") for hook in repository["hooks"])
        else:
            assert re.fullmatch(r"[0-9a-f]{40}", repository["rev"])


def test_hooks_choose_only_linters_that_exist() -> None:
    (local,) = (entry for entry in load(".pre-commit-config.yaml")["repos"] if entry["repo"] == "local")
    chosen = {
        word
        for hook in local["hooks"]
        if " -- " in hook["entry"]
        for word in hook["entry"].partition(" -- ")[2].split()
    }
    assert chosen == noxfile.lint_commands().keys()


def test_the_unit_tests_are_a_hook() -> None:
    (local,) = (entry for entry in load(".pre-commit-config.yaml")["repos"] if entry["repo"] == "local")
    assert "nox -s quick" in [hook["entry"] for hook in local["hooks"]]

"""The noxfile: what is selected, what each session would run, and that reading it starts nothing."""

import importlib.util
import json
import re
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import nox
import nox.command
import nox.registry
import pytest
from hypothesis import settings

import noxfile
from tools.ci import plan

ROOT = Path(__file__).parents[3]
LAYERS = ("unit", "integration", "e2e", "system", "performance")


@dataclass
class Venv:
    location: str = "/envs/session"


@dataclass
class FakeSession:
    """Remembers what a session would have run; commands named in `failing` fail."""

    name: str = "unit-3.11"
    python: str = noxfile.HERE
    posargs: list[str] = field(default_factory=list)
    venv_backend: str = "uv"
    parallel: bool = False
    tmp: Path = Path("/nowhere")
    failing: tuple[str, ...] = ()
    virtualenv: Venv = field(default_factory=Venv)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    installed: list[tuple[str, ...]] = field(default_factory=list)
    envs: list[dict[str, str]] = field(default_factory=list)

    def run(self, *command: str, env: dict[str, str] | None = None) -> None:
        self.ran.append(command)
        self.envs.append(env or {})
        if command[0] in self.failing:
            raise nox.command.CommandFailed(return_code=1)

    def run_install(self, *command: str, env: dict[str, str] | None = None) -> None:
        self.installed.append(command)
        self.envs.append(env or {})

    def install(self, *arguments: str) -> None:
        self.installed.append(arguments)

    def create_tmp(self) -> str:
        return str(self.tmp)

    def error(self, message: str) -> None:
        raise RuntimeError(message)

    skip = error


def perform(session: Any, fake: FakeSession) -> FakeSession:
    session(cast("nox.Session", fake))
    return fake


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that sessions may write to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_reading_the_noxfile_starts_no_program_and_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the noxfile did something at import")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    # Its sessions go into a registry of their own, so that the one under test is not doubled.
    monkeypatch.setattr(nox.registry, "_REGISTRY", {})
    spec = importlib.util.spec_from_file_location("noxfile_again", ROOT / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_a_plain_install_of_nox_satisfies_the_header() -> None:
    header = (ROOT / "noxfile.py").read_text().split("# ///")[1]
    block = "\n".join(line.removeprefix("# ") for line in header.splitlines() if line != "# /// script")
    assert tomllib.loads(block.replace("script\n", "", 1))["dependencies"] == ["nox>=2026.10.20"]


def test_the_layers_run_on_every_python_that_the_packages_promise() -> None:
    for package in noxfile.PACKAGES.values():
        project = tomllib.loads((ROOT / package / "pyproject.toml").read_text())["project"]
        promised = [c.rpartition(" ")[2] for c in project["classifiers"] if c.startswith("Programming Language")]
        assert tuple(promised) == noxfile.PYTHONS
    for layer in LAYERS:
        assert tuple(cast("list[str]", nox.registry.get()[layer].python)) == noxfile.PYTHONS


def test_the_default_run_is_a_pull_requests_duty_on_this_interpreter_alone() -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert nox.options.sessions == [
        "lint",
        "types",
        *(f"{layer}-{here}" for layer in LAYERS),
        "cover",
        "sim-package",
        "demo",
    ]


def test_sessions_of_the_ci_matrix_require_no_other_session() -> None:
    tagged = {name: func for name, func in nox.registry.get().items() if "ci" in func.tags}
    assert set(tagged) == {*LAYERS, "lint", "types", "sim-package", "demo", "minimums", "package", "stack"}
    assert not [name for name, func in tagged.items() if func.requires]


def test_cover_requires_every_measured_layer() -> None:
    assert nox.registry.get()["cover"].requires == [f"{name}-{noxfile.HERE}" for name in noxfile.MEASURED]


def test_every_measured_layer_has_a_folder_and_the_plan_knows_it() -> None:
    assert set(noxfile.MEASURED) == plan.MEASURED
    assert plan.MEASURING in noxfile.PYTHONS
    assert all((ROOT / "tests" / folder).is_dir() for folder in noxfile.MEASURED.values())


def test_every_layer_but_performance_may_run_beside_others() -> None:
    allowed = {name: bool(nox.registry.get()[name].allow_parallel) for name in LAYERS}
    assert allowed == {name: name != "performance" for name in LAYERS}


def test_a_measured_layer_starts_without_the_data_of_an_earlier_run(workspace: Path) -> None:
    data = workspace / "build/cov/data"
    data.mkdir(parents=True)
    for name in (".coverage.unit", ".coverage.unit.host.1", ".coverage.e2e"):
        (data / name).touch()
    session = perform(noxfile.unit, FakeSession())
    assert [path.name for path in data.iterdir()] == [".coverage.e2e"]
    assert [command[:3] for command in session.ran] == [
        ("coverage", "run", "--parallel-mode"),
        ("coverage", "combine", "--quiet"),
    ]
    assert session.envs[-1] == {"COVERAGE_FILE": str(data / ".coverage.unit"), "COVERAGE_CONTEXT": "unit"}


@pytest.mark.parametrize(
    ("session", "dist"), [("unit", "load"), ("integration", "worksteal"), ("e2e", "loadscope"), ("system", "loadscope")]
)
def test_a_layer_uses_at_most_two_workers_and_none_beside_other_sessions(
    workspace: Path, session: str, dist: str
) -> None:
    work = nox.registry.get()[session]
    alone = perform(work, FakeSession()).ran[0]
    assert alone[alone.index("pytest") + 1 :][:6] == ("-n", "auto", "--maxprocesses", "2", "--dist", dist)
    is_patient = "faulthandler_timeout=180" in alone
    assert is_patient == (session != "unit")
    beside = perform(work, FakeSession(parallel=True)).ran[0]
    assert beside[beside.index("pytest") + 1 :][:2] == ("-n", "0")


def test_on_another_interpreter_a_layer_is_not_measured(workspace: Path) -> None:
    session = perform(noxfile.e2e, FakeSession(name="e2e-3.9", python="3.9"))
    (command,) = session.ran
    assert command[0] == "pytest"
    assert command[-2:] == ("tests/end_to_end", "--junitxml=build/junit/e2e-3.9.xml")
    assert not (workspace / "build/cov").exists()


def test_a_layer_leaves_beside_its_report_what_it_cost_even_when_it_fails(workspace: Path) -> None:
    with pytest.raises(nox.command.CommandFailed):
        perform(noxfile.performance, FakeSession(name="performance-3.11", failing=("pytest",)))
    cost = json.loads((workspace / "build/junit/performance-3.11.cost.json").read_text())
    assert cost.keys() == {"wall_s", "cpu_s"}
    # Nothing was started, so no child used the processor.
    assert cost["cpu_s"] == 0


def test_performance_is_never_measured_and_prints_its_ratios(workspace: Path) -> None:
    session = perform(noxfile.performance, FakeSession(name="performance-3.11"))
    assert session.ran == [("pytest", "-s", "tests/performance", "--junitxml=build/junit/performance-3.11.xml")]


@pytest.mark.parametrize(
    ("posargs", "expected"),
    [
        (["-k", "stop"], ["-k", "stop", "tests/unit"]),
        (["tests/unit/domain"], ["tests/unit/domain"]),
        (["tests/unit/domain/test_money.py::test_x", "-x"], ["tests/unit/domain/test_money.py::test_x", "-x"]),
    ],
)
def test_arguments_select_tests_without_coverage_or_workers(
    workspace: Path, posargs: list[str], expected: list[str]
) -> None:
    (workspace / "tests/unit/domain").mkdir(parents=True)
    (workspace / "tests/unit/domain/test_money.py").touch()
    session = perform(noxfile.unit, FakeSession(posargs=posargs))
    assert len(session.ran) == 1
    assert session.ran[0][0] == "pytest"
    assert list(session.ran[0][-len(expected) - 2 :]) == ["-n", "0", *expected]


def test_with_uv_an_environment_is_what_the_lock_says(workspace: Path) -> None:
    session = perform(noxfile.integration, FakeSession(name="integration-3.11"))
    (command,) = session.installed
    assert command[:2] == ("uv", "sync")
    assert {"--frozen", "--no-default-groups", "--all-packages", "--group=test"} <= set(command)
    assert session.envs[0] == {"UV_PROJECT_ENVIRONMENT": "/envs/session"}


def test_without_uv_an_environment_is_held_to_the_constraints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    session = perform(noxfile.demo, FakeSession(name="demo", venv_backend="virtualenv", posargs=["--seed", "7"]))
    assert session.installed == [
        (
            "--constraint",
            "requirements/constraints.txt",
            "--editable=packages/coinbase-sim",
            "--editable=packages/bottrader",
        )
    ]
    assert session.ran == [("bottrader", "demo", "--seed", "7")]


@pytest.mark.parametrize("backend", ["uv", "virtualenv"])
def test_the_simulator_is_tested_as_a_wheel_where_the_bot_is_not(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.chdir(ROOT)
    session = perform(noxfile.sim_package, FakeSession(name="sim-package", venv_backend=backend))
    version = tomllib.loads((ROOT / "packages/coinbase-sim/pyproject.toml").read_text())["project"]["version"]
    wheel = f"build/wheels/coinbase_sim-{version}-py3-none-any.whl"
    assert session.installed[-1] == ("--constraint", "requirements/constraints.txt", wheel)
    # Neither an editable nor the workspace: what is tested is what a user would install.
    words = [word for command in session.installed for word in command]
    assert not [word for word in words if "bottrader" in word or "editable" in word or word == "--all-packages"]
    assert ("python", "-c", noxfile.ALONE) in session.ran
    assert set(noxfile.SIM_TESTS) <= set(session.ran[-1])


def test_what_the_simulator_is_tested_with_imports_nothing_of_the_bot() -> None:
    left_out = {ROOT / word.removeprefix("--ignore=") for word in noxfile.SIM_TESTS if word.startswith("--ignore=")}
    folders = [ROOT / word for word in noxfile.SIM_TESTS if not word.startswith("--")]
    files = [path for folder in folders for path in folder.rglob("*.py") if path not in left_out]
    assert len(files) > 30
    assert not [
        path.name for path in files if re.search(r"^\s*(from|import) bottrader", path.read_text(), re.MULTILINE)
    ]


def test_the_night_tries_every_property_with_ten_thousand_examples_and_has_time_for_it() -> None:
    session = perform(noxfile.nightly, FakeSession(name="nightly"))
    (command,) = session.ran
    assert command[command.index("-m") + 1] == "nightly or hypothesis"
    assert "faulthandler_timeout=0" in command
    assert session.envs[-1] == {"HYPOTHESIS_PROFILE": "nightly"}
    assert settings.get_profile("nightly").max_examples == 10_000


def test_changed_lines_are_compared_with_the_base_that_is_given_and_both_judges_are_heard(workspace: Path) -> None:
    data = workspace / "build/cov/data"
    data.mkdir(parents=True)
    for layer in noxfile.MEASURED:
        (data / f".coverage.{layer}").touch()
    session = FakeSession(name="cover", posargs=["--base", "v0.1"], failing=("python",))
    with pytest.raises(RuntimeError, match=r"^failed: floors, changed lines$"):
        perform(noxfile.cover, session)
    assert session.ran[-1][-1] == "--base=v0.1"


def test_the_oldest_releases_are_taken_of_what_the_packages_ask_for_and_of_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    session = FakeSession(name="minimums", tmp=tmp_path)
    (command,) = perform(noxfile.minimums, session).installed
    assert "--resolution=lowest-direct" in command
    assert {f"--requirement=packages/{name}/pyproject.toml" for name in noxfile.PACKAGES} <= set(command)
    pinned = {noxfile.name_of(line) for line in (tmp_path / "tools.txt").read_text().splitlines()}
    assert {"pytest", "hypothesis"} <= pinned
    assert not pinned & {"aiohttp", "litestar", "msgspec", "pyarrow"}


def test_without_uv_the_lowest_versions_are_not_asked_for() -> None:
    with pytest.raises(RuntimeError, match="only uv resolves to the lowest versions"):
        perform(noxfile.minimums, FakeSession(name="minimums", venv_backend="virtualenv"))


@pytest.mark.parametrize(
    ("posargs", "words"),
    [
        ([], []),
        (["3"], ["3"]),
        (["3", "e2e"], ["3", "tests/end_to_end"]),
        (["2", "tests/unit/app"], ["2", "tests/unit/app"]),
    ],
)
def test_flake_takes_a_count_and_a_layer(posargs: list[str], words: list[str]) -> None:
    (command,) = perform(noxfile.flake, FakeSession(name="flake", posargs=posargs)).ran
    assert command[: command.index("--")] == ("python", "-m", "tools.ci.flake", *words)


def test_the_mirror_is_asked_about_the_measured_layers_with_a_client_pinned_by_hash() -> None:
    session = perform(noxfile.codecov, FakeSession(name="codecov", posargs=["--dry-run"]))
    assert session.installed == [("--require-hashes", "--requirement=requirements/codecov.txt")]
    assert session.ran == [("python", "-m", "tools.ci.codecov", *noxfile.MEASURED, "--dry-run")]


def test_every_locked_package_is_asked_about_and_none_is_resolved_anew() -> None:
    (command,) = perform(noxfile.audit, FakeSession(name="audit")).ran
    assert command[:3] == ("pip-audit", "--requirement", "requirements/constraints.txt")
    assert {"--no-deps", "--disable-pip"} <= set(command)


def test_what_is_released_is_what_was_built_and_installed_where_no_source_is(workspace: Path, tmp_path: Path) -> None:
    stale = workspace / "build/dist/old.whl"
    stale.parent.mkdir(parents=True)
    stale.touch()
    session = perform(noxfile.package, FakeSession(name="package", tmp=tmp_path))
    assert not stale.exists()
    assert [command[:2] for command in session.installed[:-1]] == [("uv", "build")] * len(noxfile.PACKAGES)
    assert not [word for command in session.installed for word in command if "editable" in word]
    assert ("python", "-c", noxfile.INSTALLED) in session.ran
    assert session.ran[-1][:2] == ("bottrader", "demo")


def test_nothing_is_published_that_was_not_built(workspace: Path) -> None:
    with pytest.raises(RuntimeError, match="nothing to publish in build/dist"):
        perform(noxfile.publish, FakeSession(name="publish"))


def test_what_is_published_is_signed_first_and_uploaded_without_a_password(workspace: Path) -> None:
    built = workspace / "build/dist"
    built.mkdir(parents=True)
    for name in ("bot-1-py3-none-any.whl", "bot-1.tar.gz", "bot-1.tar.gz.publish.attestation"):
        (built / name).touch()
    sign, upload = perform(noxfile.publish, FakeSession(name="publish")).ran
    files = ("build/dist/bot-1-py3-none-any.whl", "build/dist/bot-1.tar.gz")
    assert sign == ("pypi-attestations", "sign", *files)
    assert upload == ("uv", "publish", "--trusted-publishing=always", *files)


def test_a_soak_trades_on_markets_that_nobody_has_seen_or_on_those_named(tmp_path: Path) -> None:
    unseen = perform(noxfile.soak, FakeSession(name="soak", tmp=tmp_path)).ran
    assert len({command[3] for command in unseen}) == 3
    (named,) = perform(noxfile.soak, FakeSession(name="soak", tmp=tmp_path, posargs=["41"])).ran
    assert named[:4] == ("bottrader", "demo", "--minutes=43200", "--seed=41")


def test_the_demo_installs_no_test_tools(workspace: Path) -> None:
    (command,) = perform(noxfile.demo, FakeSession(name="demo")).installed
    assert not [argument for argument in command if "group=" in argument]
    assert "--package=bottrader" in command


def test_lint_runs_every_tool_and_fails_once_naming_all_that_failed() -> None:
    session = FakeSession(name="lint", failing=("ruff", "typos"))
    with pytest.raises(RuntimeError, match=r"^failed: ruff, format, spelling$"):
        perform(noxfile.lint, session)
    assert session.ran == list(noxfile.lint_commands().values())


def test_lint_runs_only_the_tools_that_are_named() -> None:
    session = perform(noxfile.lint, FakeSession(name="lint", posargs=["spelling"]))
    assert session.ran == [("typos",)]


def test_lint_refuses_a_tool_it_does_not_know() -> None:
    with pytest.raises(RuntimeError, match="no linter is called pylint; there are ruff, format,"):
        perform(noxfile.lint, FakeSession(name="lint", posargs=["pylint"]))


def test_cover_without_data_says_which_layers_are_missing(workspace: Path) -> None:
    data = workspace / "build/cov/data"
    data.mkdir(parents=True)
    (data / ".coverage.unit").touch()
    with pytest.raises(RuntimeError, match="no coverage data of integration, e2e, system"):
        perform(noxfile.cover, FakeSession(name="cover"))


def test_cover_keeps_the_layers_data_so_that_it_can_be_judged_again(workspace: Path) -> None:
    data = workspace / "build/cov/data"
    data.mkdir(parents=True)
    for layer in noxfile.MEASURED:
        (data / f".coverage.{layer}").touch()
    session = perform(noxfile.cover, FakeSession(name="cover"))
    assert {"combine", "--keep"} <= set(session.ran[0])
    assert session.ran[-2:] == [
        ("python", "-m", "tools.checks.floors", "build/cov"),
        ("python", "-m", "tools.checks.changed_lines", "build/cov", "--base=origin/main"),
    ]
    assert sorted(path.name for path in data.iterdir()) == sorted(f".coverage.{layer}" for layer in noxfile.MEASURED)

#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2026.10.20"]
# ///
"""Every check of the project, once: a developer, a hook and CI all run these sessions and nothing else.

`nox` alone runs what a pull request must pass on a machine without Docker; with `-j auto` side by side what may.
`nox -s unit -- -k stop` runs chosen tests without coverage or workers. Tags choose by purpose: `nox -t fast` is the
inner loop, `ci` is CI's matrix, `docker` meets containers there, `gen` writes generated files, and for `nightly` and
`weekly` nobody waits. Importing this file starts and reads nothing, so that `nox -l` answers on any machine.
"""

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
# The servers that the bot promises to run on. CI meets each of them through the tags of `integration`.
POSTGRES = ("16", "17", "18")
# Coverage and the default run use one interpreter: the one that runs Nox, or the newest supported when that is unknown.
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
HERE = RUNNING if RUNNING in PYTHONS else PYTHONS[-1]

PACKAGES = {"bottrader": Path("packages/bottrader"), "coinbase-sim": Path("packages/coinbase-sim")}
SOURCES = tuple(str(folder / "src") for folder in PACKAGES.values())
CONSTRAINTS = Path("requirements/constraints.txt")
COVERAGE = Path("build/cov")
JUNIT = Path("build/junit")
WHEELS = Path("build/wheels")
DIST = Path("build/dist")

# Layers whose coverage counts. Performance is left out because tracing changes what it measures.
MEASURED = {"unit": "unit", "integration": "integration", "e2e": "end_to_end", "system": "system"}

# Beside a second worker, and the programs of both, a test may take long on a slow machine, as may one that waits for a
# compiler; a hang still ends in a traceback.
PATIENT = ("-o", "faulthandler_timeout=180")

# What the commit hook runs of the unit layer, because somebody waits for it: the rooms that decide.
QUICK = ("tests/unit/domain", "tests/unit/app")

# What coinbase-sim has to pass in an environment without the bot: all but what compares something of the bot's own.
SIM_TESTS = (
    *("tests/unit/coinbase_sim", "tests/integration/coinbase_sim", "tests/integration/witnesses"),
    "--ignore=tests/integration/witnesses/test_beancount_export.py",
    "--ignore=tests/integration/witnesses/test_claims.py",
    "--ignore=tests/integration/witnesses/test_lots.py",
    "--ignore=tests/integration/witnesses/test_talib.py",
)
ALONE = """
import importlib.util, sys, coinbase_sim
assert importlib.util.find_spec("bottrader") is None, "the bot is in this environment"
assert coinbase_sim.__file__.startswith(sys.prefix), f"not the wheel: {coinbase_sim.__file__}"
"""

COMPOSE = ("deploy/services.yaml", "deploy/compose.yaml", "deploy/compose.test.yaml")

INSTALLED = """
import sys, bottrader, coinbase_sim
for package in (bottrader, coinbase_sim):
    assert package.__file__.startswith(sys.prefix), f"not the wheel: {package.__file__}"
"""

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
# Nox's own download of an interpreter needs a network and another registry; a missing one is skipped, and fails in CI.
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = bool(os.environ.get("CI"))
nox.options.sessions = [
    "lint",
    "types",
    *(f"{layer}-{HERE}" for layer in (*MEASURED, "performance")),
    "cover",
    "sim-package",
    "demo",
]


def lint_commands() -> dict[str, tuple[str, ...]]:
    """Return what `lint` runs, by the name that chooses it; the tests of the gate run the same over planted copies."""
    workflows = sorted(str(path) for path in Path(".github/workflows").glob("*.yml"))
    return {
        "ruff": ("ruff", "check", "."),
        "format": ("ruff", "format", "--check", "."),
        "imports": ("lint-imports", "--no-cache"),
        "house": ("python", "-m", "tools.checks"),
        "spelling": ("typos",),
        # Without the programs that it would call for scripts where they happen to be installed: one verdict everywhere.
        "actionlint": ("actionlint", "-shellcheck=", "-pyflakes=", *workflows),
        "workflows": ("zizmor", "--offline", "--no-progress", "--quiet", ".github"),
        "workflow-schema": ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows),
        "dependabot-schema": ("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
        "codecov-schema": ("check-jsonschema", "--builtin-schema", "vendor.codecov", "codecov.yml"),
        "compose-schema": ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *COMPOSE),
        "dockerfile": ("hadolint", "deploy/Dockerfile"),
        "lock": ("uv", "lock", "--check"),
    }


def sync(session: nox.Session, *groups: str, packages: tuple[str, ...] = ()) -> None:
    """Install exactly what the lock says, on either backend: dependency groups, and packages as editables."""
    if session.venv_backend == "uv":
        where = session.virtualenv.location
        if groups and packages:
            chosen = ["--all-packages", *(f"--group={group}" for group in groups)]
        else:
            chosen = [*(f"--only-group={group}" for group in groups), *(f"--package={name}" for name in packages)]
        # Python is named, or a version file would make uv build the environment anew with another interpreter.
        command = ("uv", "sync", "--frozen", "--no-default-groups", f"--python={where}", *chosen)
        session.run_install(*command, env={"UV_PROJECT_ENVIRONMENT": where})
        return
    wanted = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *groups)
    editable = [f"--editable={PACKAGES[name]}" for name in packages]
    session.install("--constraint", str(CONSTRAINTS), *wanted, *editable)


def layer(session: nox.Session, name: str, *groups: str, options: tuple[str, ...] = ()) -> None:
    """Run one test layer: all of it, measured where that counts; or with arguments what they select, and only that."""
    sync(session, "test", *groups, packages=tuple(PACKAGES))
    folder = f"tests/{MEASURED.get(name, name)}"
    if session.posargs:
        names_tests = any(Path(argument.partition("::")[0]).exists() for argument in session.posargs)
        session.run("pytest", *options, "-n", "0", *session.posargs, *([] if names_tests else [folder]))
        return
    pytest = ("pytest", *options, folder, f"--junitxml={JUNIT}/{session.name}.xml")
    if name not in MEASURED or session.python != HERE:
        with cost_of(session):
            session.run(*pytest)
        return
    data = (COVERAGE / "data" / f".coverage.{name}").resolve()
    data.parent.mkdir(parents=True, exist_ok=True)
    for stale in (data, *data.parent.glob(f"{data.name}.*")):
        stale.unlink(missing_ok=True)
    env = {"COVERAGE_FILE": str(data), "COVERAGE_CONTEXT": name}
    # Not pytest-cov: it starts after the plugins, and the simulator is one, so its import would count as never run.
    with cost_of(session):
        session.run("coverage", "run", "--parallel-mode", "-m", *pytest, env=env)
    session.run("coverage", "combine", "--quiet", env=env)


@contextmanager
def cost_of(session: nox.Session) -> Iterator[None]:
    """Leave beside the layer's report what it cost: wall and CPU time, of processes that were waited for."""
    began_s, before = time.perf_counter(), os.times()
    try:
        yield
    finally:
        after = os.times()
        cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
        JUNIT.mkdir(parents=True, exist_ok=True)
        cost = {"wall_s": round(time.perf_counter() - began_s, 2), "cpu_s": round(cpu_s, 2)}
        (JUNIT / f"{session.name}.cost.json").write_text(json.dumps(cost), encoding="utf-8")


def workers(session: nox.Session, dist: str = "load") -> tuple[str, ...]:
    """Return xdist's options: at most two workers, and none when Nox itself runs sessions side by side.

    `dist` is how they share the tests: `worksteal` where single ones take long, `loadscope` where a file shares what is
    dear to make.
    """
    return ("-n", "0") if session.parallel else ("-n", "auto", "--maxprocesses", "2", "--dist", dist)


@nox.session(python=PYTHONS, tags=["ci", "fast"], allow_parallel=True)
def unit(session: nox.Session) -> None:
    """Pure code with in-memory adapters: no sockets, no sleeping."""
    layer(session, "unit", "lint", "nox", options=workers(session))


@nox.session(python=HERE, default=False)
def quick(session: nox.Session) -> None:
    """The unit tests of the rooms that decide, unmeasured: what the commit hook runs."""
    sync(session, "test", "lint", "nox", packages=tuple(PACKAGES))
    # Twenty fixed examples of each property: a commit shall not wait for luck, nor depend on it.
    env = {"HYPOTHESIS_PROFILE": "mutation"}
    session.run("pytest", *workers(session), *(session.posargs or QUICK), env=env)


@nox.session(python=PYTHONS, tags=["ci", "docker", *(f"pg{major}" for major in POSTGRES)], allow_parallel=True)
def integration(session: nox.Session) -> None:
    """Store, migrations and listener on a real Postgres; the exchange is doubled in process."""
    layer(session, "integration", options=(*workers(session, "worksteal"), *PATIENT))


@nox.session(python=PYTHONS, tags=["ci"], allow_parallel=True)
def e2e(session: nox.Session) -> None:
    """The trade through real processes and the wire-true simulator, kills and restarts included."""
    layer(session, "e2e", options=(*workers(session, "loadscope"), *PATIENT))


@nox.session(python=PYTHONS, tags=["ci"], allow_parallel=True)
def system(session: nox.Session) -> None:
    """The whole as a user meets it, and the gates themselves with planted offences."""
    options = (*workers(session, "loadscope"), *PATIENT)
    layer(session, "system", "types", "mutation", "cover", options=options)


@nox.session(python=HERE, tags=["ci", "docker", "pg16"], default=False)
def stack(session: nox.Session) -> None:
    """The paper stack in containers of an image of this tree, and the ten checks of it. Needs a Docker engine."""
    sync(session, "test", packages=tuple(PACKAGES))
    selected = session.posargs or ["tests/system/test_stack.py", f"--junitxml={JUNIT}/{session.name}.xml"]
    session.run("pytest", "-n", "0", *PATIENT, *selected, env={"REQUIRE_DOCKER": "1"})


@nox.session(python=PYTHONS, tags=["ci"])
def performance(session: nox.Session) -> None:
    """Benchmarks that print ratios and counts; alone on the machine, never measured by coverage."""
    layer(session, "performance", options=("-s",))


@nox.session(python=HERE, tags=["ci"], default=False, allow_parallel=True)
def minimums(session: nox.Session) -> None:
    """The unit layer on the oldest releases that the packages say they work with. Needs uv."""
    if session.venv_backend != "uv":
        session.skip("only uv resolves to the lowest versions; `pip install uv` first")
    projects = [nox.project.load_toml(folder / "pyproject.toml")["project"] for folder in PACKAGES.values()]
    own = {name_of(requirement) for project in projects for requirement in project["dependencies"]}
    pins = Path(session.create_tmp()) / "tools.txt"
    # What the packages ask for is not pinned and goes down to its bound; what only tests need is as the lock says.
    locked = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pins.write_text("\n".join(line for line in locked if name_of(line) not in own), encoding="utf-8")
    session.run_install(
        *("uv", "pip", "install", "--quiet", "--resolution=lowest-direct", f"--python={session.virtualenv.location}"),
        *(f"--requirement={folder / 'pyproject.toml'}" for folder in PACKAGES.values()),
        *("--group=test", "--group=lint", "--group=nox", f"--constraint={pins}"),
        *(f"--editable={folder}" for folder in PACKAGES.values()),
    )
    # An old release may use what a newer neighbour calls deprecated; that breaks nobody's bot.
    options = ("-W", "default::DeprecationWarning", *workers(session))
    session.run("pytest", *options, *(session.posargs or ["tests/unit"]))


def name_of(requirement: str) -> str:
    """Return the name at the start of a requirement, empty for a line that has none."""
    found = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
    return found[0].lower() if found else ""


@nox.session(python=HERE, tags=["nightly"], default=False)
def flake(session: nox.Session) -> None:
    """Run the unit layer ten times, each in another order, and print the seeds; `-- 3 integration` chooses both."""
    sync(session, "test", "lint", "nox", packages=tuple(PACKAGES))
    folders = {**MEASURED, "performance": "performance"}
    words = [f"tests/{folders[word]}" if word in folders else word for word in session.posargs]
    session.run("python", "-m", "tools.ci.flake", *words, "--", *workers(session))


@nox.session(name="sim-package", python=HERE, tags=["ci"], reuse_venv=False, allow_parallel=True)
def sim_package(session: nox.Session) -> None:
    """Build coinbase-sim's wheel, install it where the bot is not, and run its tests and the other people's clients."""
    sync(session, "sim")
    project = nox.project.load_toml(PACKAGES["coinbase-sim"] / "pyproject.toml")["project"]
    wheel = WHEELS / f"coinbase_sim-{project['version']}-py3-none-any.whl"
    if session.venv_backend == "uv":
        session.run_install("uv", "build", "--quiet", "--wheel", "--package=coinbase-sim", f"--out-dir={WHEELS}")
    else:
        session.run_install("pip", "wheel", "--no-deps", f"--wheel-dir={WHEELS}", f"./{PACKAGES['coinbase-sim']}")
    session.install("--constraint", str(CONSTRAINTS), str(wheel))
    session.run("python", "-c", ALONE)
    session.run("pytest", *workers(session), *(session.posargs or SIM_TESTS))


@nox.session(python=HERE, tags=["nightly"], default=False)
def nightly(session: nox.Session) -> None:
    """Every property with 10,000 examples, more seeds of the exchange's random faults, and 500 kills of the ledger."""
    sync(session, "test", "lint", "nox", packages=tuple(PACKAGES))
    # A property takes minutes here, and a test that hangs is ended by the limit of the job.
    options = ("-o", "faulthandler_timeout=0", *workers(session), "-m", "nightly or hypothesis")
    env = {"HYPOTHESIS_PROFILE": "nightly"}
    session.run("pytest", *options, *(session.posargs or ["tests/unit", "tests/integration", "tests/system"]), env=env)


@nox.session(python=HERE, tags=["nightly"], default=False)
def soak(session: nox.Session) -> None:
    """Let the bot trade thirty days on each of three new markets; every tick's protection and the books are held."""
    sync(session, packages=("coinbase-sim", "bottrader"))
    for seed in session.posargs or [str(secrets.randbelow(2**31)) for _ in range(3)]:
        report = Path(session.create_tmp()) / f"soak-{seed}.html"
        session.run("bottrader", "demo", "--minutes=43200", f"--seed={seed}", f"--report={report}")


@nox.session(python=HERE, tags=["nightly"], default=False)
def load(session: nox.Session) -> None:
    """Send a hundred thousand signed signals, and hold rate and waiting against their targets; `-- 20000` for fewer."""
    sync(session, "test", "lint", "nox", packages=tuple(PACKAGES))
    count = (session.posargs or ["100000"])[0]
    # A hundred thousand may take minutes, and a test that hangs is ended by the limit of the job.
    options = ("-o", "faulthandler_timeout=0", "-n", "0", "-s")
    session.run("pytest", *options, "tests/system/load_test.py", env={"LOAD_SIGNALS": count})


@nox.session(python=HERE, tags=["weekly"], default=False)
def mutation(session: nox.Session) -> None:
    """Break each line of the money rules and see that a test notices; `-- sizing` or `-- --changed main` for some."""
    sync(session, "mutation", packages=("bottrader",))
    session.run("python", "-m", "tools.mutation", *session.posargs)


@nox.session(python=HERE, tags=["ci", "fast"], allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Run every linter, or those named (`-- ruff format`); then fail once with all that was found."""
    sync(session, "lint")
    commands = lint_commands()
    if session.venv_backend != "uv":
        # Without uv the house rules still tell that the constraints belong to another lock.
        del commands["lock"]
    unknown = set(session.posargs) - commands.keys()
    if unknown:
        session.error(f"no linter is called {', '.join(sorted(unknown))}; there are {', '.join(commands)}")
    chosen = {name: commands[name] for name in session.posargs or commands}
    run_all(session, chosen, env={"PYTHONPATH": os.pathsep.join((*SOURCES, "."))})


def run_all(session: nox.Session, commands: Mapping[str, Sequence[str]], env: Mapping[str, str] | None = None) -> None:
    """Run every command, then fail once with the names of all that failed."""
    failed = []
    for name, command in commands.items():
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session(python=HERE, tags=["ci", "fast"], allow_parallel=True)
def types(session: nox.Session) -> None:
    """Check all Python here with mypy, strictly."""
    sync(session, "types", packages=tuple(PACKAGES))
    session.run("mypy", *(session.posargs or (*SOURCES, "tests", "tools", "noxfile.py")))


@nox.session(python=HERE, requires=[f"{name}-{HERE}" for name in MEASURED], allow_parallel=True)
def cover(session: nox.Session) -> None:
    """Judge the layers' coverage by the floors in pyproject.toml, and that of changed lines; `-- --base main`.

    Alone it runs the layers first; `nox --no-dependencies -s cover` judges the data that are there.
    """
    parser = argparse.ArgumentParser(prog="nox -s cover --")
    parser.add_argument("--base", default="origin/main", help="what changed lines are told by")
    base = parser.parse_args(session.posargs).base
    sync(session, "cover")
    data = {name: COVERAGE / "data" / f".coverage.{name}" for name in MEASURED}
    missing = [name for name, path in data.items() if not path.exists()]
    if missing:
        session.error(f"no coverage data of {', '.join(missing)}; run `nox -s cover` without --no-dependencies")
    env = {"COVERAGE_FILE": str(COVERAGE / "combined")}
    session.run("coverage", "combine", "--quiet", "--keep", *map(str, data.values()), env=env)
    session.run("coverage", "json", "--quiet", "-o", f"{COVERAGE}/all.json", env=env)
    session.run("coverage", "json", "--quiet", "--contexts=^unit$", "-o", f"{COVERAGE}/unit.json", env=env)
    session.run("coverage", "html", "--quiet", "-d", f"{COVERAGE}/html", env=env)
    session.run("coverage", "xml", "--quiet", "-o", f"{COVERAGE}/all.xml", env=env)
    for name, path in data.items():
        session.run("coverage", "xml", "--quiet", f"--data-file={path}", "-o", f"{COVERAGE}/{name}.xml")
    judges = {
        "floors": ("python", "-m", "tools.checks.floors", str(COVERAGE)),
        "changed lines": ("python", "-m", "tools.checks.changed_lines", str(COVERAGE), f"--base={base}"),
    }
    run_all(session, judges)


@nox.session(python=HERE, default=False)
def codecov(session: nox.Session) -> None:
    """Send each layer's coverage and test results to Codecov; `-- --dry-run` shows what it would send."""
    # Outside the lock, because it wants another click than mutmut; pinned by hash all the same.
    session.install("--require-hashes", "--requirement=requirements/codecov.txt")
    session.run("python", "-m", "tools.ci.codecov", *MEASURED, *session.posargs)


@nox.session(python=HERE, tags=["nightly"], default=False)
def audit(session: nox.Session) -> None:
    """Ask the advisory databases about every locked package."""
    sync(session, "audit")
    options = ("--requirement", str(CONSTRAINTS), "--disable-pip", "--no-deps", "--progress-spinner=off")
    try:
        session.run("pip-audit", *options, *session.posargs)
    except nox.command.CommandFailed:
        session.error(
            "pip-audit found an advisory (its table is above), or could not reach the advisory database: then there is"
            " an error of the connection above, no package was judged, and this is no all-clear"
        )


@nox.session(python=HERE, default=False)
def sbom(session: nox.Session) -> None:
    """Write the software bill of materials, every locked package with its hash, beside what `package` built."""
    sync(session, "sbom")
    DIST.mkdir(parents=True, exist_ok=True)
    target = str(DIST / "bottrader.cdx.json")
    session.run("cyclonedx-py", "requirements", str(CONSTRAINTS), "--output-reproducible", f"--output-file={target}")


@nox.session(python=HERE, tags=["ci"], default=False, reuse_venv=False, allow_parallel=True)
def package(session: nox.Session) -> None:
    """Build both packages, install the wheels where no source is, and watch the bot trade from them. Needs uv."""
    if session.venv_backend != "uv":
        session.skip("only uv builds the members of a workspace; `pip install uv` first")
    for stale in DIST.glob("*"):
        stale.unlink()
    for name in PACKAGES:
        session.run_install("uv", "build", "--quiet", f"--package={name}", f"--out-dir={DIST}")
    session.install("--constraint", str(CONSTRAINTS), *map(str, sorted(DIST.glob("*.whl"))))
    session.run("python", "-c", INSTALLED)
    report = Path(session.create_tmp()) / "demo.html"
    session.run("bottrader", "demo", "--minutes=600", f"--report={report}", *session.posargs)


@nox.session(python=HERE, default=False)
def publish(session: nox.Session) -> None:
    """Sign what `package` built and upload it: in the release workflow, the one publisher that PyPI trusts."""
    built = [str(path) for path in sorted(DIST.glob("*")) if path.name.endswith((".whl", ".tar.gz"))]
    if not built:
        session.error(f"nothing to publish in {DIST}; run `nox -s package` first")
    sync(session, "publish")
    session.run("pypi-attestations", "sign", *built)
    session.run("uv", "publish", "--trusted-publishing=always", *built)


@nox.session(python=HERE, tags=["ci"], allow_parallel=True)
def demo(session: nox.Session) -> None:
    """Watch the bot trade on paper for about a minute, installed as a user would: no test tools."""
    sync(session, packages=("coinbase-sim", "bottrader"))
    session.run("bottrader", "demo", *session.posargs)


@nox.session(python=HERE, tags=["gen"], default=False)
def gen(session: nox.Session) -> None:
    """Write the files that are made from others; with `-- --check` fail when one is out of date. Needs uv."""
    sync(session, "nox", packages=tuple(PACKAGES))
    makers = ("tools.constraints", "tools.configuration_page", "tools.behaviours_page", "tools.matrix_page")
    run_all(session, {maker: ("python", "-m", maker, *session.posargs) for maker in makers})


if __name__ == "__main__":
    nox.main()

#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2026.10.20"]
# ///
"""Every check of the project, once: a developer, a hook and CI all run these sessions and nothing else.

`nox` alone runs what a pull request must pass on a machine without Docker. `nox -s unit -- -k stop` runs chosen tests
without coverage or workers. Importing this file starts nothing and reads nothing but `pyproject.toml`, so that `nox -l`
answers on any machine.
"""

import os
import sys
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
# Coverage and the default run use one interpreter: the one that runs Nox, or the newest supported when that is unknown.
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
HERE = RUNNING if RUNNING in PYTHONS else PYTHONS[-1]

PACKAGES = {"bottrader": Path("packages/bottrader"), "coinbase-sim": Path("packages/coinbase-sim")}
SOURCES = tuple(str(folder / "src") for folder in PACKAGES.values())
CONSTRAINTS = Path("requirements/constraints.txt")
COVERAGE = Path("build/cov")
JUNIT = Path("build/junit")
WHEELS = Path("build/wheels")

# Layers whose coverage counts. Performance is left out because tracing changes what it measures.
MEASURED = {"unit": "unit", "integration": "integration", "e2e": "end_to_end", "system": "system"}

# What coinbase-sim has to pass in an environment without the bot: all but what compares something of the bot's own.
SIM_TESTS = (
    *("tests/unit/coinbase_sim", "tests/integration/coinbase_sim", "tests/integration/witnesses"),
    "--ignore=tests/integration/witnesses/test_claims.py",
    "--ignore=tests/integration/witnesses/test_talib.py",
)
ALONE = """
import importlib.util, sys, coinbase_sim
assert importlib.util.find_spec("bottrader") is None, "the bot is in this environment"
assert coinbase_sim.__file__.startswith(sys.prefix), f"not the wheel: {coinbase_sim.__file__}"
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
        "spelling": ("codespell",),
        "workflows": ("zizmor", "--offline", "--no-progress", "--quiet", ".github"),
        "workflow-schema": ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows),
        "dependabot-schema": ("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
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
        session.run_install(
            "uv",
            "sync",
            "--frozen",
            "--no-default-groups",
            # Named, or a version file would make uv build the environment anew with another interpreter.
            f"--python={where}",
            *chosen,
            env={"UV_PROJECT_ENVIRONMENT": where},
        )
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
        session.run(*pytest)
        return
    data = (COVERAGE / "data" / f".coverage.{name}").resolve()
    data.parent.mkdir(parents=True, exist_ok=True)
    for stale in (data, *data.parent.glob(f"{data.name}.*")):
        stale.unlink(missing_ok=True)
    env = {"COVERAGE_FILE": str(data), "COVERAGE_CONTEXT": name}
    # Not pytest-cov: it starts after the plugins, and the simulator is one, so its import would count as never run.
    session.run("coverage", "run", "--parallel-mode", "-m", *pytest, env=env)
    session.run("coverage", "combine", "--quiet", env=env)


def workers(session: nox.Session) -> tuple[str, ...]:
    """Return xdist's options: at most two workers, and none when Nox itself runs sessions side by side."""
    return ("-n", "0") if session.parallel else ("-n", "auto", "--maxprocesses", "2")


@nox.session(python=PYTHONS, tags=["ci", "fast"], allow_parallel=True)
def unit(session: nox.Session) -> None:
    """Pure code with in-memory adapters: no sockets, no sleeping."""
    layer(session, "unit", "lint", "nox", options=workers(session))


@nox.session(python=HERE, default=False)
def quick(session: nox.Session) -> None:
    """The unit tests on this interpreter, unmeasured: what the commit hook runs."""
    sync(session, "test", "lint", "nox", packages=tuple(PACKAGES))
    session.run("pytest", *workers(session), *(session.posargs or ["tests/unit"]))


@nox.session(python=PYTHONS, tags=["ci", "docker"], allow_parallel=True)
def integration(session: nox.Session) -> None:
    """Store, migrations and listener on a real Postgres; the exchange is doubled in process."""
    layer(session, "integration")


@nox.session(python=PYTHONS, tags=["ci"], allow_parallel=True)
def e2e(session: nox.Session) -> None:
    """The trade through real processes and the wire-true simulator, kills and restarts included."""
    layer(session, "e2e")


@nox.session(python=PYTHONS, tags=["ci"], allow_parallel=True)
def system(session: nox.Session) -> None:
    """The whole as a user meets it, and the gates themselves with planted offences."""
    layer(session, "system", "lint", "nox")


@nox.session(python=PYTHONS, tags=["ci"])
def performance(session: nox.Session) -> None:
    """Benchmarks that print ratios and counts; alone on the machine, never measured by coverage."""
    layer(session, "performance", options=("-s",))


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
    """Every property with 10,000 examples, and the random faults of the exchange with many more seeds."""
    sync(session, "test", "lint", "nox", packages=tuple(PACKAGES))
    # A property takes minutes here, and a test that hangs is ended by the limit of the job.
    options = ("-o", "faulthandler_timeout=0", *workers(session), "-m", "nightly or hypothesis")
    env = {"HYPOTHESIS_PROFILE": "nightly"}
    session.run("pytest", *options, *(session.posargs or ["tests/unit", "tests/integration"]), env=env)


@nox.session(python=HERE, tags=["nightly"], default=False)
def mutation(session: nox.Session) -> None:
    """Break each line of the money rules and see that a test notices; `-- sizing money` does so for these only."""
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
    env = {"PYTHONPATH": os.pathsep.join((*SOURCES, "."))}
    failed = []
    for name in session.posargs or commands:
        try:
            session.run(*commands[name], env=env)
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
    """Combine the layers' coverage and judge it by the floors in `[tool.bottrader.coverage]`.

    Alone it runs the layers first; `nox --no-dependencies -s cover` judges the data that are there.
    """
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
    for name, path in data.items():
        session.run("coverage", "xml", "--quiet", f"--data-file={path}", "-o", f"{COVERAGE}/{name}.xml")
    session.run("python", "-m", "tools.checks.floors", str(COVERAGE))


@nox.session(python=HERE, tags=["ci"], allow_parallel=True)
def demo(session: nox.Session) -> None:
    """Watch the bot trade on paper for about a minute, installed as a user would: no test tools."""
    sync(session, packages=("coinbase-sim", "bottrader"))
    session.run("bottrader", "demo", *session.posargs)


@nox.session(python=HERE, tags=["gen"], default=False)
def gen(session: nox.Session) -> None:
    """Write the files that are made from others; with `-- --check` fail when one is out of date. Needs uv."""
    sync(session, "nox", packages=tuple(PACKAGES))
    failed = []
    for maker in ("tools.constraints", "tools.configuration_page", "tools.behaviours_page", "tools.matrix_page"):
        try:
            session.run("python", "-m", maker, *session.posargs)
        except nox.command.CommandFailed:
            failed.append(maker)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    nox.main()

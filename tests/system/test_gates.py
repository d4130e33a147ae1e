"""Every gate of the project fails when it should: offences planted one at a time in a copy of the tree turn it red.

Each gate runs over the smallest scope that shows it, and is green there while nothing is planted. A gate that is wired
wrongly, or that looks past the offence, fails here before it lets one through.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import noxfile
from tests.guards.nested_runs import environment_of_a_nested_run

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DOMAIN = "packages/bottrader/src/bottrader/domain"
MIGRATIONS = "packages/bottrader/src/bottrader/adapters/postgres/migrations/versions"
# A money rule with few lines, few mutants and one file of quick tests.
RULE = "maker_prices"
RULE_TESTS = f"tests/unit/domain/test_{RULE}.py"
# What the gates read of the repository.
FOLDERS = (".ci", ".github", "packages/bottrader/src", "packages/coinbase-sim/src", "tests", "tools")
FILES = (".pre-commit-config.yaml", "codecov.yml", "noxfile.py", "packages/bottrader/pyproject.toml", "pyproject.toml")
# Only the rule is measured, so that one file of tests is enough.
MEASURE = f"[run]\nbranch = true\nrelative_files = true\ninclude = {DOMAIN}/{RULE}.py\n"
# What the rule becomes when it is mutated, because each mutant starts a run of its own.
SMALL_RULE = """\
from bottrader.domain.money import ZERO, Price


def is_payable(price: Price) -> bool:
    return price > ZERO
"""
SMALL_TESTS = f"""\
from decimal import Decimal

from bottrader.domain.{RULE} import is_payable
from bottrader.domain.money import Price


def test_a_price_above_zero_is_payable_and_zero_is_not() -> None:
    assert is_payable(Price(Decimal("0.01")))
    assert not is_payable(Price(Decimal(0)))
"""
PLANTED_WORD = "unseen"
PLANTED_TEST = "tests/unit/domain/test_planted.py"


@dataclass(frozen=True)
class Result:
    """How a gate ended and all that it printed."""

    code: int
    printed: str


class Tree:
    """A copy of the repository in which a gate's own command runs on the copy's code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        skip = shutil.ignore_patterns("__pycache__", "*.pyc", "build")
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=skip)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)

    def run(self, program: str, *arguments: str) -> Result:
        """Run an installed program here, unmeasured, as if it were started by a person."""
        paths = (*(self.folder / source for source in noxfile.SOURCES), self.folder)
        done = subprocess.run(
            [BIN / program, *arguments],
            cwd=self.folder,
            env={**environment_of_a_nested_run(), "PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def replace(self, path: str, pattern: str, new: str) -> None:
        """Replace what matches; an offence that no longer fits in is an error of this test."""
        text, count = re.subn(pattern, new, (self.folder / path).read_text(encoding="utf-8"), flags=re.DOTALL)
        assert count, f"nothing in {path} looks like {pattern}"
        self.write(path, text)


def pytest_gate(*arguments: str) -> Callable[[Tree], Result]:
    return lambda tree: tree.run("python", "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *arguments)


def lint_gate(name: str) -> Callable[[Tree], Result]:
    return lambda tree: tree.run(*noxfile.lint_commands()[name])


def unit(tree: Tree) -> Result:
    """The unit layer, of one harmless test and of the planted one."""
    tests = [PLANTED_TEST] if (tree.folder / PLANTED_TEST).exists() else []
    return pytest_gate("-p", "no:randomly", RULE_TESTS, *tests)(tree)


def measure(tree: Tree) -> None:
    (tree.folder / "build/cov").mkdir(parents=True)
    tree.write("coverage.ini", MEASURE)
    common = ("--rcfile=coverage.ini", "--data-file=build/data")
    tests = tree.run("coverage", "run", *common, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", RULE_TESTS)
    assert tests.code == 0, tests.printed
    for command in (
        ("json", "-o", "build/cov/all.json"),
        ("json", "-o", "build/cov/unit.json"),
        ("xml", "-o", "build/cov/all.xml"),
    ):
        assert tree.run("coverage", command[0], *common, *command[1:]).code == 0


def floors(tree: Tree) -> Result:
    """The floors that the project sets for the domain, of which one file was measured."""
    text = (tree.folder / "pyproject.toml").read_text(encoding="utf-8")
    head, *rows = re.split(r"(?=\[\[tool\.bottrader\.coverage\.modules\]\])", text)
    (row,) = (row for row in rows if f'files = "{DOMAIN}/*"' in row)
    tree.write("pyproject.toml", head + row.partition("\n\n")[0])
    measure(tree)
    return tree.run("python", "-m", "tools.checks.floors", "build/cov")


def changed_lines(tree: Tree) -> Result:
    """The coverage of what differs from the last commit, which is the repository as it is."""
    measure(tree)
    return tree.run("python", "-m", "tools.checks.changed_lines", "build/cov", "--base=HEAD")


def mutation(tree: Tree) -> Result:
    """The mutants of one rule, cut down to a line, with the tests of that rule alone."""
    tests = (tree.folder / RULE_TESTS).read_text(encoding="utf-8")
    folder = (tree.folder / RULE_TESTS).parent
    shutil.rmtree(folder)
    folder.mkdir()
    tree.write(RULE_TESTS, tests if PLANTED_WORD in tests else SMALL_TESTS)
    tree.write(f"{DOMAIN}/{RULE}.py", SMALL_RULE)
    return tree.run("python", "-m", "tools.mutation", RULE)


def types(tree: Tree) -> Result:
    return tree.run("mypy", f"{DOMAIN}/{RULE}.py")


migrations = pytest_gate("tests/integration/postgres/test_schema.py", "-k", "each_revision or up_down")
workflows = pytest_gate("tests/unit/tools/test_workflows.py", "-k", "session")
imports = lint_gate("imports")


def commit(tree: Tree) -> None:
    git = ("-c", "user.name=gates", "-c", "user.email=gates@localhost")
    for command in (("init", "--quiet"), ("add", "packages"), (*git, "commit", "--quiet", "--no-verify", "-m", "base")):
        subprocess.run(["git", *command], cwd=tree.folder, check=True)


@dataclass(frozen=True)
class Offence:
    """What is planted, the gate that has to see it, and what it has to say."""

    name: str
    gate: Callable[[Tree], Result]
    plant: Callable[[Tree], None]
    told: str


def writes(path: str, text: str) -> Callable[[Tree], None]:
    return lambda tree: tree.write(path, text)


def appends(path: str, text: str) -> Callable[[Tree], None]:
    return lambda tree: tree.append(path, text)


def untested(tree: Tree) -> None:
    tree.append(f"{DOMAIN}/{RULE}.py", "\n\ndef planted(price: Price) -> Decimal:\n    return price\n")


def untested_change(tree: Tree) -> None:
    commit(tree)
    untested(tree)


def survivor(tree: Tree) -> None:
    """A test that runs the rule and looks at nothing: all of its lines are covered."""
    tree.write(RULE_TESTS, SMALL_TESTS.replace("assert", f"{PLANTED_WORD} ="))


OFFENCES: Sequence[Offence] = (
    Offence("an uncovered line in a money module", floors, untested, "by the unit layer, at least 100 %"),
    Offence("a changed line that no test runs", changed_lines, untested_change, "no test runs line"),
    Offence("a surviving mutant", mutation, survivor, f"no test notices: bottrader.domain.{RULE}.is_payable"),
    Offence(
        "a leaked task",
        unit,
        writes(
            PLANTED_TEST,
            "import asyncio\n\n\nasync def test_planted() -> None:\n"
            "    asyncio.get_running_loop().create_task(asyncio.Event().wait())\n",
        ),
        "left behind by the test: task",
    ),
    Offence(
        "a slow unit test",
        unit,
        writes(
            PLANTED_TEST,
            "from time import process_time\n\n\ndef test_planted() -> None:\n"
            "    end = process_time() + 0.4\n    while process_time() < end:\n        pass\n",
        ),
        "ms of CPU and may use",
    ),
    Offence(
        "a socket in a unit test",
        unit,
        writes(PLANTED_TEST, "import socket\n\n\ndef test_planted() -> None:\n    socket.socket(socket.AF_INET)\n"),
        "socket",
    ),
    Offence(
        "a float in a money type",
        types,
        appends(f"{DOMAIN}/{RULE}.py", "\n\nPLANTED = Price(0.1)\n"),
        'Argument 1 to "Price" has incompatible type "float"; expected "Decimal"',
    ),
    Offence(
        "a forbidden import",
        imports,
        writes(f"{DOMAIN}/planted.py", "import asyncpg\n"),
        "bottrader.domain.planted imports asyncpg",
    ),
    Offence(
        "a warning",
        unit,
        writes(PLANTED_TEST, "import warnings\n\n\ndef test_planted() -> None:\n    warnings.warn('planted')\n"),
        "UserWarning: planted",
    ),
    Offence(
        "a migration without downgrade",
        migrations,
        lambda tree: tree.replace(f"{MIGRATIONS}/r0002_orders.py", r"\nDOWN = \(.*?\n\)\n", "\nDOWN = ()\n"),
        "FAILED tests/integration/postgres/test_schema.py",
    ),
    Offence(
        "a session renamed in the workflow",
        workflows,
        lambda tree: tree.replace(".github/workflows/ci.yml", "nox -s codecov", "nox -s kodecov"),
        "kodecov",
    ),
)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "copy")


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.name.replace(" ", "-"))
def test_a_planted_offence_turns_its_gate_red(tree: Tree, offence: Offence) -> None:
    offence.plant(tree)
    result = offence.gate(tree)
    assert result.code != 0, result.printed
    assert offence.told in result.printed, result.printed


@pytest.mark.parametrize(
    "gate",
    [floors, mutation, unit, types, imports, migrations, workflows],
    ids=["floors", "mutation", "unit", "types", "imports", "migrations", "workflows"],
)
def test_the_tree_as_it_is_leaves_the_gate_green(tree: Tree, gate: Callable[[Tree], Result]) -> None:
    result = gate(tree)
    assert result.code == 0, result.printed


def test_a_tree_without_a_change_has_no_changed_line_to_judge(tree: Tree) -> None:
    commit(tree)
    result = changed_lines(tree)
    assert result.code == 0, result.printed
    assert "No line that coverage counts has changed" in result.printed

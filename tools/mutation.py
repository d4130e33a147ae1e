"""Break every line of the money rules on purpose and see that a test notices: `python -m tools.mutation [MODULE ...]`.

`--changed BASE` chooses the modules whose source or unit tests differ from what BASE names, for example `origin/main`.

mutmut makes the mutants and runs the unit tests of the domain on each. The verdict is read from its results, because
its exit code says only that it ran. A mutant that no test can tell from the original is listed in
`equivalent_mutants.toml` with the reason; any other survivor, and an entry of that list that no longer survives, fails.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGE = ROOT / "build/mutation"
EQUIVALENT = ROOT / "tools/equivalent_mutants.toml"
PACKAGE = "bottrader.domain"
# What mutmut writes for a mutant that every test passed, and for one that no test reached.
SURVIVED = frozenset({0, 5, 33})
SETTINGS = """\
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{modules}]
pytest_add_cli_args_test_selection = ["tests/unit/domain"]
also_copy = ["tests"]

[tool.pytest]
# A slow mutant is not a killed one, so nothing is timed.
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:tests.guards.cpu_budget"]
pythonpath = ["."]
asyncio_mode = "auto"
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the function it is in, the line before and after."""

    function: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.function}\n  - {self.old}\n  + {self.new}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the mutants: those nobody noticed and nobody explained, and explanations of none."""

    mutants_count: int
    survivors: tuple[Mutant, ...]
    explained_count: int
    stale: tuple[Mutant, ...]

    @property
    def is_passed(self) -> bool:
        return not self.survivors and not self.stale


def judge(mutants_count: int, survivors: Iterable[Mutant], explained: Mapping[Mutant, str]) -> Verdict:
    """Set the survivors against the list of explained ones; `explained` holds those of the modules that ran only."""
    found = list(dict.fromkeys(survivors))
    return Verdict(
        mutants_count,
        tuple(mutant for mutant in found if mutant not in explained),
        sum(mutant in explained for mutant in found),
        tuple(mutant for mutant in explained if mutant not in found),
    )


def read_explained(text: str, modules: Sequence[str]) -> dict[Mutant, str]:
    """Return the listed mutants of these modules with the reasons why no test can tell them from the original.

    Raises:
        ValueError: when an entry gives no reason.
    """
    explained = {}
    for entry in tomllib.loads(text).get("mutant", []):
        mutant = Mutant(entry["function"], entry["old"], entry["new"])
        if not entry.get("reason", "").strip():
            raise ValueError(f"an equivalent mutant has a reason; there is none for\n{mutant}")
        if mutant.function.rpartition(".")[0].removeprefix(f"{PACKAGE}.").split(".")[0] in modules:
            explained[mutant] = entry["reason"]
    return explained


def parse_diff(name: str, diff: str) -> Mutant:
    """Return the mutant that mutmut shows as this diff; names of mutants shift with every edit, their lines do not."""
    lines = diff.splitlines()
    body = [line for line in lines if not line.startswith(("---", "+++", "#"))]
    old = " ".join(line[1:].strip() for line in body if line.startswith("-"))
    new = " ".join(line[1:].strip() for line in body if line.startswith("+"))
    return Mutant(_function_of(name), old, new)


def _function_of(name: str) -> str:
    """Return `package.module.function` for `package.module.x_function__mutmut_3`, a method as `Class.method`."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    # mutmut writes a method as "xǁClassǁmethod" and a function as "x_function".
    plain = mangled.removeprefix("xǁ").replace("ǁ", ".") if mangled.startswith("xǁ") else mangled.removeprefix("x_")
    return f"{module}.{plain}"


def changed_modules(base: str, modules: Sequence[str]) -> list[str]:
    """Return those of `modules` whose source or unit tests changed since the branch left `base`.

    Raises:
        ValueError: when git cannot compare with `base`.
    """
    command = ["git", "diff", "--name-only", "--merge-base", base]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"git cannot compare with {base}: {done.stderr.strip()}; fetch it, or name another base")
    paths = done.stdout.splitlines()
    return [module for module in modules if any(_is_of(path, module) for path in paths)]


def _is_of(path: str, module: str) -> bool:
    source = f"packages/bottrader/src/{PACKAGE.replace('.', '/')}/{module}"
    tests = f"tests/unit/domain/test_{module}"
    # A module may be a package, and its tests a folder or several files: test_exits.py, test_exits_machine.py.
    folders = (f"{source}/", f"tests/unit/domain/{module}/", f"{tests}_")
    return path in (f"{source}.py", f"{tests}.py") or path.startswith(folders)


def stage(modules: Sequence[str]) -> None:
    """Lay the package and its unit tests out as mutmut wants them, away from the working tree."""
    shutil.rmtree(STAGE, ignore_errors=True)
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "packages/bottrader/src/bottrader", STAGE / "src/bottrader", ignore=skip)
    shutil.copytree(ROOT / "tests/unit/domain", STAGE / "tests/unit/domain", ignore=skip)
    for folder in ("fixtures", "guards"):
        shutil.copytree(ROOT / "tests" / folder, STAGE / "tests" / folder, ignore=skip)
    shutil.copy(ROOT / "tests/conftest.py", STAGE / "tests/conftest.py")
    paths = ", ".join(f'"src/{PACKAGE.replace(".", "/")}/{module}{end}"' for module in modules for end in (".py", "/*"))
    (STAGE / "pyproject.toml").write_text(SETTINGS.format(modules=paths), encoding="utf-8")


def run() -> tuple[int, list[Mutant]]:
    """Run mutmut on what is staged; return how many mutants there were and which survived."""
    env = {**os.environ, "HYPOTHESIS_PROFILE": "mutation", "PYTHONDONTWRITEBYTECODE": "1"}
    mutmut = Path(sys.executable).with_name("mutmut")
    log = STAGE / "mutmut.log"
    with log.open("w", encoding="utf-8") as output:
        subprocess.run([mutmut, "run"], cwd=STAGE, env=env, stdout=output, stderr=subprocess.STDOUT, check=False)
    codes: dict[str, int | None] = {}
    for meta in sorted((STAGE / "mutants").rglob("*.meta")):
        codes.update(json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"])
    if not codes or None in codes.values():
        raise RuntimeError(f"mutmut did not finish; its own words are in {log}")
    names = [name for name, code in codes.items() if code in SURVIVED]
    return len(codes), [parse_diff(name, _show(mutmut, name)) for name in names]


def _show(mutmut: Path, name: str) -> str:
    done = subprocess.run([mutmut, "show", name], cwd=STAGE, capture_output=True, text=True, check=True)
    return done.stdout


def report(verdict: Verdict, modules: Sequence[str]) -> str:
    """Return what is wrong, a mutant with its line before and after, and then the counts."""
    return "\n".join(
        (
            *(f"no test notices: {mutant}" for mutant in verdict.survivors),
            *(f"listed as equivalent, but gone or killed: {mutant}" for mutant in verdict.stale),
            f"mutation: {verdict.mutants_count} mutants of {', '.join(modules)}; {len(verdict.survivors)} survived,"
            f" {verdict.explained_count} are equivalent and explained",
        )
    )


def main(arguments: list[str]) -> int:
    """Run the mutants of the modules named, or of all that the project lists, and return the exit code."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["bottrader"]["mutation"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help=f"of {', '.join(listed['modules'])}; all by default"
    )
    parser.add_argument("--changed", metavar="BASE", help="of these, only what changed since BASE")
    options = parser.parse_args(arguments)
    modules = options.modules or listed["modules"]
    if unknown := set(modules) - set(listed["modules"]):
        parser.error(f"no mutants are made of {', '.join(sorted(unknown))}; there are {', '.join(listed['modules'])}")
    if options.changed is not None:
        try:
            modules = changed_modules(options.changed, modules)
        except ValueError as error:
            parser.error(str(error))
        if not modules:
            print(f"mutation: no money rule and none of its tests changed since {options.changed}; nothing to break")
            return 0
    stage(modules)
    count, survivors = run()
    verdict = judge(count, survivors, read_explained(EQUIVALENT.read_text(encoding="utf-8"), modules))
    told = report(verdict, modules)
    (STAGE.parent / "mutation.md").write_text(f"## Mutation\n\n```diff\n{told}\n```\n", encoding="utf-8")
    print(told)
    return 0 if verdict.is_passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The list of behaviours names tests that really run: none is deselected, skipped by its file, or misspelt."""

import subprocess
import sys
from pathlib import Path

from tests.guards.nested_runs import environment_of_a_nested_run
from tools.checks import behaviours

ROOT = Path(__file__).parents[2]
LAYERS = ("unit", "integration", "end_to_end", "system", "performance")


def collected() -> set[str]:
    """Return the names that pytest would run by default in all layers, without parameters."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *(f"tests/{layer}" for layer in LAYERS)],
        cwd=ROOT,
        env=environment_of_a_nested_run(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}


def test_every_behaviour_is_proven_by_a_test_that_runs() -> None:
    names = collected()
    # The tests of a contract are written once and collected in each class that inherits them, under the same name.
    bare = {name.rpartition("::")[2] for name in names}
    page = (ROOT / behaviours.PAGE).read_text(encoding="utf-8").splitlines()
    rows = [row[1] for line in page if (row := behaviours.ROW.match(line))]
    assert len(rows) > 200
    proofs = behaviours.proofs(ROOT)
    unproven = [
        row
        for row in rows
        if not any(
            test in names or ("_contract" in test.partition("::")[0] and test.rpartition("::")[2] in bare)
            for test in proofs[row]
        )
    ]
    assert unproven == []

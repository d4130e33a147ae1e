"""The gate itself: offences planted in a copy of the repository fail the very commands that `nox -s lint` runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import noxfile

ROOT = Path(__file__).parents[2]
BOT = "packages/bottrader/src/bottrader"
SIM = "packages/coinbase-sim/src/coinbase_sim"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of what the linters read."""
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in ("packages", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=skip)
    for file in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / file, tmp_path / file)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def lint(copy: Path, tool: str) -> tuple[int, str]:
    """Run one of the session's commands as the session does; return its exit code and all it printed."""
    program, *arguments = noxfile.lint_commands()[tool]
    tools = Path(sys.executable).parent
    done = subprocess.run(
        [tools / program, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((*noxfile.SOURCES, ".")), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_import_contracts_hold_as_the_repository_is(copy: Path) -> None:
    code, printed = lint(copy, "imports")
    assert code == 0, printed


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (f"{BOT}/domain/planted.py", "import asyncpg\n", "bottrader.domain.planted imports asyncpg (line 1)"),
        (
            f"{BOT}/domain/planted.py",
            "import bottrader.app\n",
            "bottrader.domain is not allowed to import bottrader.app",
        ),
        (
            f"{SIM}/planted.py",
            "import bottrader.domain.money\n",
            "coinbase_sim.planted -> bottrader.domain.money (l.1)",
        ),
        (f"{BOT}/app/planted.py", "import coinbase_sim.model\n", "bottrader.app.planted -> coinbase_sim.model (l.1)"),
        (
            f"{BOT}/adapters/memory/planted.py",
            "import bottrader.adapters.coinbase.errors\n",
            "bottrader.adapters.memory is not allowed to import bottrader.adapters.coinbase",
        ),
    ],
    ids=["vendor-in-domain", "arrow-to-the-left", "bot-in-simulator", "simulator-in-app", "adapter-in-adapter"],
)
def test_a_forbidden_import_fails_the_gate(copy: Path, path: str, text: str, told: str) -> None:
    (copy / path).write_text(text)
    code, printed = lint(copy, "imports")
    assert code == 1
    assert told in printed.replace("\n  ", " ")


@pytest.mark.parametrize("room", ["domain", "app"])
@pytest.mark.parametrize(
    ("text", "banned"),
    [
        ("from datetime import UTC, datetime\n\nAT = datetime.now(UTC)\n", "datetime.datetime.now"),
        ("import time\n\nAT = time.monotonic()\n", "time"),
        ("from uuid import uuid4\n\nID = uuid4()\n", "uuid.uuid4"),
        ("import random\n\nDRAW = random.random()\n", "random"),
        ("import os\n\nKEY = os.environ['KEY']\n", "os.environ"),
        ("import asyncio\n\n\nasync def wait() -> None:\n    await asyncio.sleep(1)\n", "asyncio.sleep"),
    ],
    ids=["now", "time", "uuid4", "random", "environ", "sleep"],
)
def test_a_hidden_input_in_a_deciding_room_fails_the_gate(copy: Path, room: str, text: str, banned: str) -> None:
    (copy / BOT / room / "planted.py").write_text(text)
    code, printed = lint(copy, "ruff")
    assert code == 1
    assert f"TID251 `{banned}` is banned" in printed


def test_the_adapters_may_read_the_clock(copy: Path) -> None:
    planted = copy / BOT / "adapters/system/planted.py"
    planted.write_text('"""The real clock."""\n\nfrom datetime import UTC, datetime\n\nAT = datetime.now(UTC)\n')
    _, printed = lint(copy, "ruff")
    assert "planted.py" not in printed


def test_a_house_rule_fails_the_gate(copy: Path) -> None:
    (copy / BOT / "app/planted.py").write_text("try:\n    x = 1\nexcept Exception:\n    x = 2\n")
    shutil.copy(ROOT / "noxfile.py", copy)
    (copy / "tests").mkdir()
    code, printed = lint(copy, "house")
    assert code == 1
    assert f"{BOT}/app/planted.py:3: a broad except stands in cli only" in printed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"""Planted."""\n\nVALUE = eval(input())\n', "S307"),
        ('"""Planted."""\n\nimport pickle\n\nVALUE = pickle.loads(b"")\n', "S301"),
        ('"""Planted."""\n\nimport yaml\n\nVALUE = yaml.load("", Loader=yaml.Loader)\n', "S506"),
    ],
)
def test_code_that_runs_what_it_reads_is_refused(copy: Path, text: str, code: str) -> None:
    """Promise P5."""
    (copy / BOT / "adapters/planted.py").write_text(text)
    exit_code, printed = lint(copy, "ruff")
    assert (exit_code, code in printed) == (1, True), printed

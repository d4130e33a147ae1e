"""Commands are loaded when they are called, and help and slips of the pen work as if all were there."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bottrader.cli import app

runner = CliRunner()
# What few commands need and cost the most: web server, clients, database, and the settings that read them.
HEAVY = {"litestar", "aiohttp", "asyncpg", "sqlalchemy", "alembic", "pydantic_settings", "uvicorn", "coinbase_sim"}


def test_commands_on_files_load_neither_database_nor_web_server() -> None:
    program = (
        "import sys; from bottrader.cli import app\n"
        "for command in ('compute', 'export'):\n"
        "    try: app(['lots', command, '--help'])\n"
        "    except SystemExit: pass\n"
        "print('loaded', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "--open" in done.stdout
    assert "--zone" in done.stdout
    (loaded,) = [line for line in done.stdout.splitlines() if line.startswith("loaded ")]
    assert not HEAVY & set(loaded.split())


def test_help_lists_commands_and_groups_with_their_first_sentences() -> None:
    shown = runner.invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout

    for name, sentence in {
        "demo": "Watch the bot trade",
        "lots": "Tax lots: which buy each sell closes",
        "config": "Look at the configuration",
    }.items():
        assert any(name in line and sentence in line for line in shown.splitlines()), shown


@pytest.mark.parametrize(
    ("words", "meant"), [(["kil"], "kill"), (["lots", "compte"], "compute"), (["db", "checks"], "check")]
)
def test_the_nearest_command_is_suggested(words: list[str], meant: str) -> None:
    asked = runner.invoke(app, words, env={"COLUMNS": "200"})

    assert asked.exit_code == 2
    assert f"Did you mean '{meant}'?" in asked.output

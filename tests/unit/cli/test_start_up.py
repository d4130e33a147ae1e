"""A command starts without the libraries it does not need: those that are heavy are loaded when they are used."""

import subprocess
import sys

HEAVY = {"alembic", "sqlalchemy", "pyarrow", "numpy"}


def test_the_command_line_does_not_load_what_few_commands_need() -> None:
    program = "import sys, bottrader.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())

"""Instructions of the processor, where it lets itself be counted: `perf`, else valgrind, else printed as unavailable.

Unlike seconds they hardly depend on what else the machine does. They depend on the interpreter, so two counts of one
run are compared and none is written down.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.performance.measuring import tell

SMALL, LARGE = 500, 2_000
MATCH = """\
import sys
from bottrader.domain.lots import allocate
from tests.fixtures.trade_generator import TradeGenerator
executions = TradeGenerator().executions(int(sys.argv[1]))
if sys.argv[2] == "match":
    allocate(executions)
"""


def test_matching_four_times_the_trades_takes_four_times_the_instructions() -> None:
    counts = [instructions(SMALL, "only make"), instructions(SMALL, "match")]
    if None in counts:
        tell("instructions of FIFO:", "unavailable: neither perf nor valgrind counts here")
        pytest.skip("neither perf nor valgrind counts instructions on this machine")
    counts += [instructions(LARGE, "only make"), instructions(LARGE, "match")]
    few_made, few, many_made, many = (count or 0 for count in counts)

    ratio = (many - many_made) / (few - few_made)
    each = (many - many_made) / LARGE
    tell("instructions of FIFO:", f"{each:,.0f} a trade; four times the trades {ratio:.2f} times", ratio=ratio)
    assert ratio <= 4.6


def instructions(trades: int, what: str) -> int | None:
    """Return the instructions of a fresh interpreter that makes so many trades, and perhaps matches them."""
    program = [sys.executable, "-c", MATCH, str(trades), what]
    env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join([".", *sys.path])}
    if shutil.which("perf"):
        command = ["perf", "stat", "-x,", "-e", "instructions:u", *program]
        told = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stderr
        if counted := re.search(r"^(\d+),", told, re.MULTILINE):
            return int(counted[1])
    if shutil.which("valgrind"):
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *program]
        told = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stderr
        if counted := re.search(r"Collected : (\d+)", told):
            return int(counted[1])
    return None

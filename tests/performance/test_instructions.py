"""Instructions, which unlike seconds hardly depend on what else the machine does: the interpreter's own, counted
everywhere, and the processor's, where `perf` may count them, else printed as unavailable.

They depend on the interpreter's version, so two counts of one run are compared and none is written down.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from bottrader.domain.lots import allocate
from tests.fixtures.trade_generator import TradeGenerator
from tests.performance.measuring import tell

SMALL, LARGE = 100, 400
TIMES_MAX = 4.6
"""For four times the trades: a queue that is searched anew for each sell would take up to sixteen."""
MATCH = """\
import sys
from bottrader.domain.lots import allocate
from tests.fixtures.trade_generator import TradeGenerator
executions = TradeGenerator().executions(int(sys.argv[1]))
if sys.argv[2] == "match":
    allocate(executions)
"""


def test_matching_four_times_the_trades_takes_four_times_the_bytecodes() -> None:
    small, large = TradeGenerator().executions(SMALL), TradeGenerator().executions(LARGE)

    few, many = bytecodes(lambda: allocate(small)), bytecodes(lambda: allocate(large))

    assert few == bytecodes(lambda: allocate(small)), "the same work was counted twice and came out differently"
    tell("bytecodes of FIFO:", f"{many / LARGE:,.0f} a trade; four times {many / few:.2f} times", ratio=many / few)
    assert many / few <= TIMES_MAX


def test_matching_four_times_the_trades_takes_four_times_the_instructions() -> None:
    few = _matching(SMALL * 10)
    if few is None:
        tell("instructions of FIFO:", "unavailable: perf does not count them here")
        pytest.skip("perf does not count instructions on this machine")
    many = _matching(LARGE * 10) or 0

    tell("instructions of FIFO:", f"{many / LARGE / 10:,.0f} a trade; four times {many / few:.2f}", ratio=many / few)
    assert many / few <= TIMES_MAX


def bytecodes(work: Callable[[], object]) -> int:
    """Return how many instructions of the interpreter `work` takes."""
    count = 0

    def look(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return look

    work()
    sys.settrace(look)
    try:
        work()
    finally:
        sys.settrace(None)
    return count


def _matching(trades: int) -> int | None:
    """Return the instructions of matching so many trades, without those of the start and of making the trades."""
    made, matched = _instructions(trades, "only make"), _instructions(trades, "match")
    return None if made is None or matched is None else matched - made


def _instructions(trades: int, what: str) -> int | None:
    if shutil.which("perf") is None:
        return None
    env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join([".", *sys.path])}
    command = ["perf", "stat", "-x,", "-e", "instructions:u", sys.executable, "-c", MATCH, str(trades), what]
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stderr
    counted = re.search(r"^(\d+),", told, re.MULTILINE)
    return int(counted[1]) if counted else None

"""The same trades through other people's programs, each in a process of its own; CPU seconds, and ours beside them.

Ours is the compiled matching and its rows as bytes, then the plain computation; theirs is booking and what they print.
What a process costs before it books anything is measured with one trade and taken off.
"""

import faulthandler
import resource
from collections.abc import Callable
from pathlib import Path
from random import Random

from bottrader.adapters.postgres.bulk import compiled
from bottrader.adapters.postgres.bulk.columns import ColumnReader, fit, refuse_disorder
from bottrader.adapters.postgres.bulk.target import Target
from bottrader.domain.lots import LotMethod, allocate
from tests.fixtures.copy_streams import sent
from tests.fixtures.lot_witnesses import ask_beancount, ask_rp2, beancount_ledger, random_log
from tests.performance.measuring import cpu_s, tell

TRADES = 2_000


def test_matching_beats_rp2_and_beancount(tmp_path: Path) -> None:
    # Compiling may take a minute on a busy machine.
    faulthandler.cancel_dump_traceback_later()
    chance = Random(1)
    log = random_log(chance, LotMethod.FIFO, trades_max=TRADES)
    while len(log) < TRADES * 3 // 4:
        log = random_log(chance, LotMethod.FIFO, trades_max=TRADES)
    ledgers = {name: tmp_path / f"{name}.beancount" for name in ("one", "all")}
    ledgers["one"].write_text(beancount_ledger([log[:1]], LotMethod.FIFO))
    ledgers["all"].write_text(beancount_ledger([log], LotMethod.FIFO))

    stream = sent(log)
    rows = _rows(stream)
    assert rows == len(allocate(log).allocations)
    ours_s = cpu_s(lambda: _rows(stream))
    plain_s = cpu_s(lambda: allocate(log), runs=3)
    others_s = {
        "rp2": _child_cpu_s(lambda: ask_rp2([log], LotMethod.FIFO, tmp_path))
        - _child_cpu_s(lambda: ask_rp2([log[:1]], LotMethod.FIFO, tmp_path)),
        "beancount": _child_cpu_s(lambda: ask_beancount(ledgers["all"]))
        - _child_cpu_s(lambda: ask_beancount(ledgers["one"])),
    }

    tell(f"{len(log):,} trades, compiled / plain:", f"{ours_s * 1e3:.2f} ms, {plain_s * 1e3:.0f} ms")
    for name, other_s in others_s.items():
        tell(f"{name}:", f"{other_s:.2f} s, {other_s / ours_s:,.0f} times; {other_s / plain_s:.0f} times the plain one")
        assert other_s / ours_s >= 20


def _rows(stream: bytes) -> int:
    """From the bytes that the server sends to those it receives; return the number of rows."""
    reader = ColumnReader()
    reader.feed(stream)
    columns = reader.finish()
    refuse_disorder(columns)
    scales = fit(columns, 0)
    assert scales is not None
    rows, outcome = compiled.match(columns, 0, LotMethod.FIFO)
    for _ in compiled.Stream(columns, 0, scales, rows, Target(1, 1, LotMethod.FIFO)).encoded():
        pass
    return outcome.allocations


def _child_cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the processes that `work` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

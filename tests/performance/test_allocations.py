"""Memory, counted in blocks: the figures are the same on every machine with this interpreter."""

import gc
import tracemalloc
from collections.abc import Callable

from bottrader.domain.lots import allocate
from tests.fixtures.trade_generator import TradeGenerator, executions_of
from tests.performance.measuring import tell


def test_the_memory_of_matching_grows_with_the_trades_and_no_faster() -> None:
    small, large = TradeGenerator().executions(1_000), TradeGenerator().executions(4_000)

    few, many = kept_blocks(lambda: allocate(small)), kept_blocks(lambda: allocate(large))

    tell("FIFO result of 1,000 and 4,000 trades:", f"{few:,} and {many:,} blocks", ratio=many / few)
    assert many <= 4.4 * few


def test_a_round_trip_that_is_closed_leaves_its_rows_and_nothing_else() -> None:
    """A thousand buys and one sell of all give a thousand rows; a row is one object with a dozen amounts at most."""
    executions = executions_of(TradeGenerator().generate_fifo_scenario("deep_queue"))

    kept = kept_blocks(lambda: allocate(executions)) / (len(executions) - 1)

    tell("one allocation:", f"{kept:.1f} blocks", ratio=kept)
    assert kept <= 13


def kept_blocks(work: Callable[[], object]) -> int:
    """Return how many blocks of memory what `work` returns keeps."""
    work()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.take_snapshot()
        kept = work()
        gc.collect()
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    assert kept is not None
    return sum(difference.count_diff for difference in after.compare_to(before, "filename"))

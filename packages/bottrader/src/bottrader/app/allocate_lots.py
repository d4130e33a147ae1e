"""Match everything anew: a new version of the allocations, by the same method or by another one."""

from bottrader.domain.errors import VersionRefused
from bottrader.domain.lots import LotMethod
from bottrader.ports import Clock, EventLog, LedgerStore, RebuildResult


async def rebuild_lots(
    store: LedgerStore, clock: Clock, log: EventLog, method: LotMethod | None = None
) -> RebuildResult:
    """Write a new version by this method, or by that of the active one, and make it the active one.

    The version before stays until it is dropped.

    Raises:
        VersionRefused: when another rebuild is under way, or the method needs to be told which lots to take.
        InvariantBroken: when the executions contradict themselves; the version before stays the active one.
    """
    method = method or (await store.active_version()).method
    if method is LotMethod.SPECIFIC:
        raise VersionRefused("a rebuild cannot be told which lots to take; choose fifo, lifo or hifo")
    result = await store.rebuild_allocations(method, clock.now())
    log.info(
        "lots_rebuilt",
        version=result.version.number,
        method=method,
        executions=result.executions_count,
        allocations=result.allocations_count,
        unmatched=result.unmatched_count,
        pnl=result.pnl,
    )
    return result

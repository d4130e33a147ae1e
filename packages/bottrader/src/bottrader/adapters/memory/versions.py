"""Versions of the allocations in memory; the rows of the active one are the store's own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from bottrader.adapters.memory.books import Ledger
from bottrader.adapters.memory.truth import review_of_unmatched
from bottrader.domain.dust import is_dust
from bottrader.domain.errors import BotTraderError, VersionRefused
from bottrader.domain.lots import Allocation, LotMethod, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.performance import realized_pnl
from bottrader.ports import AllocationVersion, RebuildResult, ReviewItem, VersionStatus, VersionSummary

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""When the first version was made, which every store has from the start."""

Rows = dict[ProductId, tuple[Allocation, ...]]


@dataclass(frozen=True, slots=True)
class _Version:
    method: LotMethod
    status: VersionStatus
    created_at: datetime
    rows: Rows


class MemoryVersions:
    """The `VersionStore` in memory."""

    _review: dict[tuple[str, str], ReviewItem]

    def __init__(self) -> None:
        super().__init__()
        self._books = Ledger()
        self._allocations: Rows = {}
        self._version = AllocationVersion(1, LotMethod.FIFO)
        self._versions = {1: _Version(LotMethod.FIFO, VersionStatus.COMPLETE, BEGINNING, {})}
        self.failures: dict[int, str] = {}
        """Why the run of a version failed, by the number of the version."""

    async def active_version(self) -> AllocationVersion:
        return self._version

    async def rebuild_allocations(self, method: LotMethod, at: datetime) -> RebuildResult:
        version = AllocationVersion(max(self._versions) + 1, method)
        executions = self._books.executions()
        try:
            allocations = allocate(executions, method).allocations
        except BotTraderError as error:
            self._versions[version.number] = _Version(method, VersionStatus.FAILED, at, {})
            self.failures[version.number] = str(error)
            raise
        rows = {product_id: tuple(each) for product_id, each in groupby(allocations, lambda row: row.product_id)}
        self._keep_active()
        self._versions[version.number] = _Version(method, VersionStatus.COMPLETE, at, rows)
        self._version, self._allocations = version, dict(rows)
        unmatched = [row for row in allocations if row.buy_order_id is None]
        for row in unmatched:
            if not is_dust(row):
                item = review_of_unmatched(row, at)
                self._review.setdefault((item.issue, item.subject), item)
        return RebuildResult(version, len(executions), len(allocations), len(unmatched), realized_pnl(allocations))

    async def allocation_versions(self) -> Sequence[VersionSummary]:
        self._keep_active()
        return [self._summary(number, version) for number, version in sorted(self._versions.items())]

    async def drop_version(self, number: int) -> int:
        version = self._versions.get(number)
        if version is None:
            raise VersionRefused(f"there is no allocation version {number}; `bottrader lots versions` lists them")
        if number == self._version.number:
            raise VersionRefused(f"allocation version {number} is the active one; rebuild first, then drop it")
        if version.status is VersionStatus.DROPPED:
            raise VersionRefused(f"allocation version {number} was dropped before")
        self._versions[number] = replace(version, status=VersionStatus.DROPPED, rows={})
        return sum(map(len, version.rows.values()))

    def _keep_active(self) -> None:
        """File the rows that were written to the active version since."""
        number = self._version.number
        self._versions[number] = replace(self._versions[number], rows=dict(self._allocations))

    def _summary(self, number: int, version: _Version) -> VersionSummary:
        rows = [row for of_product in version.rows.values() for row in of_product]
        return VersionSummary(
            AllocationVersion(number, version.method),
            version.status,
            number == self._version.number,
            version.created_at,
            len(rows),
            sum(row.buy_order_id is None for row in rows),
            realized_pnl(rows),
        )

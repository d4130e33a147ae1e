"""Peaks and the kill switch in memory, and a kill file for tests."""

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price
from bottrader.domain.peaks import Peak
from bottrader.domain.risk import KillSwitch
from bottrader.ports import PeakState


class MemorySafety:
    """The `SafetyStore` in memory, with the peaks of open positions."""

    def __init__(self) -> None:
        self._peaks: dict[ProductId, PeakState] = {}
        self._throws: list[KillSwitch] = []
        self._switch_requests: set[str] = set()

    async def peak_of(self, product_id: ProductId) -> PeakState | None:
        return self._peaks.get(product_id)

    async def save_peak(self, peak: PeakState) -> None:
        if not all(price > 0 for price in _prices(peak.peak)):
            raise InvariantBroken(f"the prices of a peak are above zero, was {peak}")
        self._peaks[peak.product_id] = peak

    async def record_kill_switch(self, switch: KillSwitch, request_digest: str | None = None) -> bool:
        if request_digest in self._switch_requests:
            return False
        if request_digest is not None:
            self._switch_requests.add(request_digest)
        self._throws.append(switch)
        return True

    async def kill_switch(self) -> KillSwitch | None:
        return self._throws[-1] if self._throws else None


class MemoryKillFile:
    """A kill file that a test writes by setting `text`; None is no file."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def reason(self) -> str | None:
        return self.text


def _prices(peak: Peak) -> list[Price]:
    return [*([] if peak.high is None else [peak.high]), *(sample.price for sample in peak.samples)]

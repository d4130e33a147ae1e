"""Durable first, acknowledged second, acted on third."""

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.signals import Signal
from bottrader.ports import Acceptance, InboundSignal
from tests.fixtures.facts import BTC, make_inbound, make_signal


class Bench:
    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.handed: list[Signal] = []
        self.log = RecentEvents()
        self.acceptor = SignalAcceptor(self.store, self.log, self.handed.append, lambda _: True)


async def test_a_new_signal_is_durable_and_handed_on() -> None:
    bench = Bench()
    assert await bench.acceptor.accept(make_inbound(make_signal())) is Acceptance.ACCEPTED
    assert bench.handed == [make_signal()]
    assert await bench.store.signals_without_outcome([BTC], 100) == [make_signal()]


@pytest.mark.parametrize(
    ("body", "request_", "expected"),
    [
        ("body", "another", Acceptance.DUPLICATE),
        ("changed", "another", Acceptance.CONFLICT),
        ("body", "request", Acceptance.REPLAYED),
    ],
)
async def test_only_a_new_one_is_handed_on(body: str, request_: str, expected: Acceptance) -> None:
    """B259"""
    bench = Bench()
    await bench.acceptor.accept(make_inbound(make_signal()))
    assert await bench.acceptor.accept(make_inbound(make_signal(), body, request_)) is expected
    assert len(bench.handed) == 1
    assert bench.log.counts[f"signal_{expected}"] == 1


async def test_a_signal_whose_commit_is_in_doubt_is_not_handed_on() -> None:
    """B261: the sender retries; the next start takes up what was committed after all."""

    class Silent(MemoryStore):
        async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
            await super().accept_signal(inbound)
            raise StoreUnreachable("the answer was lost")

    bench = Bench(Silent())
    with pytest.raises(StoreUnreachable):
        await bench.acceptor.accept(make_inbound(make_signal()))
    assert bench.handed == []

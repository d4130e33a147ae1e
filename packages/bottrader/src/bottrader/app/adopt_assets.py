"""Hand coins that came without the bot over to it, by command only.

What can be adopted is judged by one look at the venue and, after it, one at the books as of one moment: coins that were
bought between the two are in the books already or belong to an order that is still open, and then nothing is adopted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bottrader.app.guard_assets import custody_rules
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.adoption import Adoption
from bottrader.domain.custody import Custody, Holding, Quoted, Wallet, judge_holdings
from bottrader.domain.lots import OpenLot, ledger_key
from bottrader.domain.market import ProductId, base_of
from bottrader.domain.money import EXACT, ZERO, Price, Size
from bottrader.domain.orders import Side
from bottrader.domain.positions import LotBook
from bottrader.domain.validation import Refusal
from bottrader.ports import Balance, LedgerSnapshot


@dataclass(frozen=True, slots=True)
class AdoptionRequest:
    """`price` is the cost per unit in quote currency, fees included; `acquired_at` None means now."""

    product_id: ProductId
    size: Size
    price: Price
    acquired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """The fact; `is_new` is False when it was there already."""

    adoption: Adoption
    is_new: bool


class AssetAdopter:
    """Judges and records adoptions for a bot that trades `product_ids` by `rules`."""

    def __init__(self, world: World, product_ids: Sequence[ProductId], rules: TradingRules) -> None:
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._product_ids = tuple(product_ids)
        self._rules = rules

    async def holdings(self) -> list[Holding]:
        """Return whose each asset in the account is; raises `AdapterError` when the venue or the store is silent."""
        quoted = await self._quoted()
        balances = await self._exchange.balances()
        return self._judge(balances, await self._store.snapshot(), quoted)

    async def adopt(self, request: AdoptionRequest) -> Adopted | Refusal:
        """Record the adoption, or return in one sentence why not. Key: product, size, price and time."""
        refusal = self._refuse_terms(request)
        if refusal is not None:
            return refusal
        quoted = await self._quoted()
        balances = await self._exchange.balances()
        facts = await self._store.snapshot()
        now = self._clock.now()
        base = base_of(request.product_id)
        held = {holding.currency: holding for holding in self._judge(balances, facts, quoted)}.get(base)
        booked = _booked(facts, base, held)
        adoption = Adoption(
            request.product_id, request.size, request.price, request.acquired_at or now, now, min(request.size, booked)
        )
        if any(execution.order_id == adoption.order_id for execution in facts.executions):
            return Adopted(adoption, is_new=False)
        refusal = _refuse_state(request, held, facts)
        if refusal is not None:
            return refusal
        is_new = await self._store.record_adoption(adoption)
        self._log.info("coins_adopted", product_id=request.product_id, size=request.size, price=request.price)
        return Adopted(adoption, is_new)

    def _refuse_terms(self, request: AdoptionRequest) -> Refusal | None:
        if request.product_id not in self._product_ids:
            traded = ", ".join(self._product_ids)
            return Refusal("NOT_TRADED", f"{request.product_id} is not traded; BOTTRADER_SYMBOLS has {traded}")
        if base_of(request.product_id) in self._rules.hodl:
            base = base_of(request.product_id)
            return Refusal("HODL_REJECT", f"{base} is on the HODL list and never sold, so there is nothing to adopt")
        if not (request.size.is_finite() and request.size > ZERO):
            return Refusal("ORDER_BUILD_FAILED", f"the size to adopt is above zero, was {request.size}")
        if not (request.price.is_finite() and request.price > ZERO):
            return Refusal("ORDER_BUILD_FAILED", f"the price of adopted coins is above zero, was {request.price}")
        if request.acquired_at is not None and request.acquired_at > self._clock.now():
            later = request.acquired_at.isoformat()
            return Refusal("ORDER_BUILD_FAILED", f"coins cannot have been acquired later than now, was {later}")
        return None

    async def _quoted(self) -> list[Quoted]:
        products = {product.product_id: product for product in await self._exchange.products(self._product_ids)}
        tickers = await self._exchange.tickers(self._product_ids)
        return [Quoted(products[ticker.product_id], ticker.price) for ticker in tickers]

    def _judge(self, balances: Sequence[Balance], facts: LedgerSnapshot, quoted: Sequence[Quoted]) -> list[Holding]:
        selling: dict[str, Decimal] = {}
        for record in facts.trade_records:
            if record.status == "pending" and record.side == Side.SELL:
                base = base_of(record.symbol)
                left = EXACT.subtract(record.size, record.filled_size)
                selling[base] = EXACT.add(selling.get(base, ZERO), left)
        wallets = [Wallet(each.currency, each.total, each.hold, selling.get(each.currency, ZERO)) for each in balances]
        return judge_holdings(wallets, _open_lots(facts), quoted, custody_rules(self._product_ids, self._rules))


def _open_lots(facts: LedgerSnapshot) -> list[OpenLot]:
    books: dict[ProductId, LotBook] = {}
    for execution in sorted(facts.executions, key=ledger_key):
        books.setdefault(execution.product_id, LotBook(execution.product_id)).apply(execution)
    return [lot for book in books.values() for lot in book.open_lots]


def _booked(facts: LedgerSnapshot, base: str, held: Holding | None) -> Decimal:
    """Return how much of an asset the books hold beyond the bot's own lots."""
    books = facts.books
    total = EXACT.add(books.cash.get(base, ZERO), books.holdings.get(base, ZERO))
    owned = ZERO if held is None else EXACT.add(held.bought, held.adopted)
    return max(EXACT.subtract(total, owned), ZERO)


def _refuse_state(request: AdoptionRequest, held: Holding | None, facts: LedgerSnapshot) -> Refusal | None:
    base = base_of(request.product_id)
    if not facts.cash_movements:
        return Refusal("BOOKS_NOT_OPEN", "the books are not open yet: start the bot once, then adopt")
    for record in facts.trade_records:
        if record.status == "pending" and record.side == Side.BUY and base_of(record.symbol) == base:
            return Refusal("SKIPPED_OPEN_ORDER", f"a buy of {record.symbol} is open: adopt again when it has ended")
    if held is not None and held.kind is Custody.CASH:
        return Refusal("NOT_FREE", f"{base} is what the bot buys with; it cannot be adopted")
    free = ZERO if held is None else held.adoptable
    if request.size > free:
        return Refusal(
            "NOT_FREE", f"{request.size} {base} are more than the {free} that are free and not the bot's already"
        )
    return None

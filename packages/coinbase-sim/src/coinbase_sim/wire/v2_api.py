"""The `/v2` endpoints that clients of v3 still ask: currencies, rates, time and wallets (coinbase.md §4.1).

They belong to the venue's older API and wrap every answer in `data`.
"""

from collections.abc import Sequence
from decimal import Decimal

from aiohttp import web

from coinbase_sim.amounts import EXACT
from coinbase_sim.ledger import CashTransaction
from coinbase_sim.model import Account, Fill, Side, TradeType
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode
from coinbase_sim.wire.query import ArgumentInvalid, page_limit
from coinbase_sim.wire.replies import error_reply, json_reply
from coinbase_sim.wire.texts import amount_text, derived_id, ratio, time_text

PREFIX = "/v2"
FILL = "advanced_trade_fill"
DEFAULT_TRANSACTIONS, MAX_TRANSACTIONS = 25, 100
PUBLIC_PATHS = frozenset({"/currencies", "/currencies/crypto", "/exchange-rates", "/time"})


class V2Api:
    """Handlers below `/v2`; they read and change nothing."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._opened_at = simulator.now

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/currencies", self.currencies),
            web.get("/currencies/crypto", self.currencies_crypto),
            web.get("/exchange-rates", self.exchange_rates),
            web.get("/time", self.time),
            web.get("/accounts", self.accounts),
            web.get("/accounts/{account_id}/transactions", self.transactions),
        ]

    async def currencies(self, _request: web.Request) -> web.Response:
        fiat = [name for name in self._currencies() if name in encode.FIAT_CURRENCIES]
        return _data([{"id": name, "name": name, "min_size": "0.01"} for name in fiat])

    async def currencies_crypto(self, _request: web.Request) -> web.Response:
        crypto = [name for name in self._currencies() if name not in encode.FIAT_CURRENCIES]
        return _data(
            [
                {
                    "asset_id": derived_id("asset", name),
                    "code": name,
                    "name": name,
                    "color": "#000000",
                    "sort_index": 100 + place,
                    "exponent": 8,
                    "type": "crypto",
                    "address_regex": "",
                }
                for place, name in enumerate(crypto)
            ]
        )

    async def exchange_rates(self, request: web.Request) -> web.Response:
        """How much of each currency one unit of the asked one buys, at the last trades."""
        base = request.query.get("currency") or "USD"
        prices = self._prices()
        if base not in prices:
            raise ArgumentInvalid(f"currency must be one of {', '.join(prices)}, not {base[:40]!r}")
        rates = {name: amount_text(ratio(prices[base], price)) for name, price in prices.items()}
        return _data({"currency": base, "rates": rates})

    async def time(self, _request: web.Request) -> web.Response:
        now = self._simulator.now
        return _data({"iso": time_text(now)[:-8] + "Z", "epoch": int(now.timestamp())})

    async def accounts(self, _request: web.Request) -> web.Response:
        # A member has few wallets here, so they always fit on the first page.
        rows = [self._account(wallet) for wallet in self._simulator.accounts()]
        pages: encode.Json = {"ending_before": None, "starting_after": None, "previous_ending_before": None}
        pages |= {"next_starting_after": None, "limit": 250, "order": "desc", "previous_uri": None, "next_uri": None}
        return json_reply({"pagination": pages, "data": rows})

    async def transactions(self, request: web.Request) -> web.Response:
        """What a wallet moved, newest first: what came and went, and two legs of each fill.

        Paging is by the id of the last row seen (`starting_after`), as the older API has it.
        """
        account_id = request.match_info["account_id"]
        wallet = next((each for each in self._simulator.accounts() if each.account_id == account_id), None)
        if wallet is None:
            return error_reply(404, "not_found", "Not found")
        rows = self._movements(wallet.currency)
        seen = request.query.get("starting_after", "")
        known = [row.transaction_id for row in rows]
        if seen and seen not in known:
            raise ArgumentInvalid(f"starting_after is the id of a transaction of this account, not {seen[:40]!r}")
        first = known.index(seen) + 1 if seen else 0
        limit = page_limit(request.query, DEFAULT_TRANSACTIONS, MAX_TRANSACTIONS)
        page = rows[first : first + limit]
        has_next = first + limit < len(rows)
        path = f"/v2/accounts/{account_id}/transactions"
        next_uri = f"{path}?limit={limit}&starting_after={page[-1].transaction_id}" if has_next else None
        pages: encode.Json = {"ending_before": None, "starting_after": seen or None, "limit": limit, "order": "desc"}
        pages |= {"previous_uri": None, "next_uri": next_uri}
        return json_reply({"pagination": pages, "data": [_transaction(row, path) for row in page]})

    def _movements(self, currency: str) -> list[CashTransaction]:
        moved = [row for row in self._simulator.transactions() if row.currency == currency]
        moved += [leg for fill in self._simulator.fills() for leg in self._legs(fill) if leg.currency == currency]
        return sorted(moved, key=lambda row: (row.at, row.transaction_id), reverse=True)

    def _legs(self, fill: Fill) -> Sequence[CashTransaction]:
        spec = self._simulator.products[fill.product_id]
        direction = 1 if (fill.side is Side.BUY) == (fill.trade_type is not TradeType.REVERSAL) else -1
        fee = -fill.commission if fill.trade_type is TradeType.REVERSAL else fill.commission
        size = EXACT.multiply(Decimal(direction), fill.size)
        value = EXACT.subtract(EXACT.minus(EXACT.multiply(size, fill.price)), fee)
        return [
            CashTransaction(derived_id("leg", fill.trade_id, currency), FILL, currency, amount, fill.at)
            for currency, amount in ((spec.base_currency, size), (spec.quote_currency, value))
        ]

    def _account(self, wallet: Account) -> encode.Json:
        fiat = wallet.currency in encode.FIAT_CURRENCIES
        return {
            "id": wallet.account_id,
            "name": f"{wallet.currency} Wallet",
            "primary": False,
            "type": "fiat" if fiat else "wallet",
            "currency": {"code": wallet.currency, "name": wallet.currency, "type": "fiat" if fiat else "crypto"},
            # The older API knows no holds: it shows what may be moved.
            "balance": {"amount": amount_text(wallet.available), "currency": wallet.currency},
            "created_at": time_text(self._opened_at),
            "updated_at": time_text(self._simulator.now),
            "resource": "account",
            "resource_path": f"/v2/accounts/{wallet.account_id}",
            "allow_deposits": True,
            "allow_withdrawals": True,
        }

    def _currencies(self) -> list[str]:
        return [wallet.currency for wallet in self._simulator.accounts()]

    def _prices(self) -> dict[str, Decimal]:
        """USD per unit of each currency that has a price in dollars, directly or through another."""
        prices = {"USD": Decimal(1)}
        for spec in self._simulator.products.values():
            ticker = self._simulator.ticker(spec.product_id)
            if ticker is not None and spec.quote_currency in prices:
                prices.setdefault(spec.base_currency, EXACT.multiply(ticker.price, prices[spec.quote_currency]))
        return prices


def _transaction(row: CashTransaction, path: str) -> encode.Json:
    return {
        "id": row.transaction_id,
        "type": row.kind,
        "status": "completed",
        "amount": {"amount": amount_text(row.amount), "currency": row.currency},
        # The older API dates to the second.
        "created_at": row.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resource": "transaction",
        "resource_path": f"{path}/{row.transaction_id}",
    }


def _data(body: object) -> web.Response:
    return json_reply({"data": body})

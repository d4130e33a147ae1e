"""REST endpoints about the member: wallets, key, portfolio and fee tier."""

from collections.abc import Sequence

from aiohttp import web

from coinbase_sim.model import Account
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode, query
from coinbase_sim.wire.manners import Manners
from coinbase_sim.wire.replies import error_reply, json_reply
from coinbase_sim.wire.texts import PORTFOLIO_ID

DEFAULT_ACCOUNTS = 49
MAX_ACCOUNTS = 250


class AccountApi:
    """Handlers that read the member's state and change nothing."""

    def __init__(self, simulator: Simulator, manners: Manners) -> None:
        self._simulator = simulator
        self._manners = manners
        self._opened_at = simulator.now

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/key_permissions", self.key_permissions),
            web.get("/portfolios", self.portfolios),
            web.get("/transaction_summary", self.transaction_summary),
            web.get("/accounts", self.accounts),
            web.get("/accounts/{account_id}", self.account),
        ]

    async def key_permissions(self, _request: web.Request) -> web.Response:
        return json_reply(
            {
                "can_view": self._manners.key.can_view,
                "can_trade": self._manners.key.can_trade,
                "can_transfer": self._manners.key.can_transfer,
                "portfolio_uuid": PORTFOLIO_ID,
                "portfolio_type": "DEFAULT",
            }
        )

    async def portfolios(self, request: web.Request) -> web.Response:
        kept = request.query.get("portfolio_type", "DEFAULT") in {"DEFAULT", "UNDEFINED", ""}
        only = {"name": "Default", "uuid": PORTFOLIO_ID, "type": "DEFAULT", "deleted": False}
        return json_reply({"portfolios": [only] if kept else []})

    async def transaction_summary(self, _request: web.Request) -> web.Response:
        tier = self._simulator.fee_tier()
        return json_reply(encode.transaction_summary(tier, self._simulator.volume_30d(), self._simulator.fees_30d()))

    async def accounts(self, request: web.Request) -> web.Response:
        limit = query.page_limit(request.query, DEFAULT_ACCOUNTS, MAX_ACCOUNTS)
        is_ours = request.query.get("retail_portfolio_id", "") in {"", PORTFOLIO_ID}
        wallets = [(wallet.account_id, wallet) for wallet in self._simulator.accounts() if is_ours]
        page, cursor = query.page(wallets, request.query.get("cursor", ""), limit)
        rows = [self._row(wallet) for wallet in page]
        return json_reply({"accounts": rows, "has_next": bool(cursor), "cursor": cursor, "size": len(rows)})

    async def account(self, request: web.Request) -> web.Response:
        for wallet in self._simulator.accounts():
            if wallet.account_id == request.match_info["account_id"]:
                return json_reply({"account": self._row(wallet)})
        return error_reply(404, "NOT_FOUND", "account not found")

    def _row(self, wallet: Account) -> encode.Json:
        return self._manners.dialect.account(encode.account(wallet, self._opened_at, self._simulator.now))

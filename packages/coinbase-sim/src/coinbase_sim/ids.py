"""Deterministic ids: shaped like UUIDs, counted, and different for exchanges of different names.

The name matters when a bot keeps its database across sessions: a new exchange that counted from one again under the
same name would hand out trade ids which the bot has already booked.
"""

import hashlib

_ORDER, _TRADE, _ACCOUNT, _PREVIEW, _CASH = "4001", "4002", "4003", "4004", "4005"


class Ids:
    """Counters of one exchange; `orders` and `trades` are the numbers handed out so far."""

    def __init__(self, name: str) -> None:
        self._prefix = _digits(name)[:8]
        self.orders = 0
        self.trades = 0

    def next_order_id(self) -> str:
        self.orders += 1
        return f"{self._prefix}-0000-{_ORDER}-8000-{self.orders:012x}"

    def next_trade_id(self) -> str:
        self.trades += 1
        return f"{self._prefix}-0000-{_TRADE}-8000-{self.trades:012x}"

    def account_id(self, currency: str) -> str:
        """Return the id of the wallet in `currency`, always the same."""
        return f"{self._prefix}-0000-{_ACCOUNT}-8000-{_digits(currency)[:12]}"

    def cash_id(self, number: int) -> str:
        """Return the id of the transaction that is so far the newest of so many."""
        return f"{self._prefix}-0000-{_CASH}-8000-{number:012x}"

    def preview_id(self, asked: str) -> str:
        """Return the id of a preview, derived from what was asked and when."""
        return f"{self._prefix}-0000-{_PREVIEW}-8000-{_digits(asked)[:12]}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""Compute capital gains with rp2 and print them as JSON: a program of its own, since rp2 writes logs where it runs.

Reads `{"method": "fifo|lifo|hifo", "logs": [[[id, side, size, price, fee, ISO time]]]}` from standard input and prints,
for each log, its rows as `[sell id, buy id, size, gain]`. Sells are given to rp2 with what they brought after the fee.
"""

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from prezzemolo.avl_tree import AVLTree
from rp2.abstract_country import AbstractCountry
from rp2.accounting_engine import AccountingEngine
from rp2.configuration import MAX_DATE, MIN_DATE, Configuration
from rp2.in_transaction import InTransaction
from rp2.input_data import InputData
from rp2.out_transaction import OutTransaction
from rp2.rp2_decimal import ZERO, RP2Decimal
from rp2.tax_engine import compute_tax
from rp2.transaction_set import TransactionSet

SETTINGS = """[general]
assets = BTC
exchanges = Coinbase
holders = Bob
[in_header]
timestamp = 0
asset = 1
exchange = 2
holder = 3
transaction_type = 4
spot_price = 5
crypto_in = 6
[out_header]
timestamp = 0
asset = 1
exchange = 2
holder = 3
transaction_type = 4
spot_price = 5
crypto_out_no_fee = 6
crypto_fee = 7
[intra_header]
timestamp = 0
asset = 1
from_exchange = 2
from_holder = 3
to_exchange = 4
to_holder = 5
spot_price = 6
crypto_sent = 7
crypto_received = 8
"""


class _Country(AbstractCountry):
    """One of our own, since that of the package loads its whole command line."""

    def __init__(self) -> None:
        super().__init__("us", "usd")

    def get_long_term_capital_gain_period(self) -> int:
        return 365

    def get_default_accounting_method(self) -> str:
        return "fifo"

    def get_accounting_methods(self) -> set[str]:
        return {"fifo", "hifo", "lifo"}

    def get_report_generators(self) -> set[str]:
        return {"open_positions"}

    def get_default_generation_language(self) -> str:
        return "en"


def main() -> None:
    logging.disable(logging.CRITICAL)
    asked = json.load(sys.stdin)
    settings = Path("rp2.ini")
    settings.write_text(SETTINGS)
    configuration = Configuration(str(settings), _Country())
    method = import_module(f"rp2.plugin.accounting_method.{asked['method']}").AccountingMethod
    json.dump([_gains(configuration, method(), log) for log in asked["logs"]], sys.stdout)


def _gains(configuration: Configuration, method: Any, log: list[list[str]]) -> list[list[str]]:
    kinds = ("IN", "OUT", "INTRA")
    sets = {kind: TransactionSet(configuration, kind, "BTC", MIN_DATE, MAX_DATE) for kind in kinds}
    for row, (name, side, *amounts, time) in enumerate(log, start=1):
        size, price, fee = (RP2Decimal(amount) for amount in amounts)
        about: dict[str, Any] = {"row": row, "unique_id": name}
        where = (configuration, time, "BTC", "Coinbase", "Bob")
        if side == "buy":
            bought = (*where, "BUY", price, size)
            sets["IN"].add_entry(InTransaction(*bought, fiat_fee=fee, **about))
        else:
            sold = (*where, "SELL", price, size, ZERO)
            sets["OUT"].add_entry(OutTransaction(*sold, fiat_out_no_fee=size * price - fee, **about))
    methods: Any = AVLTree()
    methods.insert_node(1970, method)
    data = InputData("BTC", sets["IN"], sets["OUT"], sets["INTRA"])
    computed: Any = compute_tax(configuration, AccountingEngine(years_2_methods=methods), data)
    return [
        [row.taxable_event.unique_id, row.acquired_lot.unique_id, str(row.crypto_amount), str(row.fiat_gain)]
        for row in computed.gain_loss_set
    ]


if __name__ == "__main__":
    main()

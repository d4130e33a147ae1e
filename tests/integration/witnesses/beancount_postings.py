# SPDX-License-Identifier: MIT
"""Load a ledger with beancount and print, as JSON, what it booked.

A program of its own: beancount is under the GPL 2.0, so this file, which imports it, is under the MIT licence, imports
nothing of this project, and is imported by nothing. Tests start it and read what it prints:

    {"errors": [message], "bookings": [[narration, [[account, number, currency, cost, cost date, cost label]]]],
     "inventories": {account: [[number, currency, cost, cost date, cost label]]}}

Numbers and dates are text; a posting without a cost has null in the last three places.
"""

import json
import sys
from typing import Any

from beancount import loader
from beancount.core import data, inventory


def _position(units: Any, cost: Any) -> list[str | None]:
    held = [None] * 3 if cost is None else [str(cost.number), cost.date.isoformat(), cost.label]
    return [str(units.number), units.currency, *held]


def main() -> None:
    entries, errors, _ = loader.load_file(sys.argv[1])
    bookings: list[Any] = []
    inventories: dict[str, Any] = {}
    for entry in data.filter_txns(entries):
        bookings.append([entry.narration, [[p.account, *_position(p.units, p.cost)] for p in entry.postings]])
        for posting in entry.postings:
            inventories.setdefault(posting.account, inventory.Inventory()).add_position(posting)
    left = {account: [_position(p.units, p.cost) for p in held] for account, held in inventories.items()}
    json.dump({"errors": [error.message for error in errors], "bookings": bookings, "inventories": left}, sys.stdout)


if __name__ == "__main__":
    main()

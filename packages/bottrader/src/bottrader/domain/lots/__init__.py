"""Lots: which buy a sell closes, and what that earned.

Problem. A position is bought in pieces and sold in pieces. What a sale earned depends on which purchase it is held
against, and the choice must be the same on every run, whatever order the facts arrived in.

Definitions. An *execution* is one fill: `size` in base currency, `price` in quote per base, `fee` in quote. A *lot* is
what is left of one buy execution. An *allocation* is the part of one sell execution that one lot covers.

Rule. Executions are put in the order (product, account, time, sequence, buys before sells, id); "buys before sells"
only decides when the venue gave no sequence. A sell consumes lots of its product and account that precede it: the
oldest first, or in the order of another method (`choice`). For a row of size q:

    cost basis   = q x buy price + buy fee share
    proceeds     = q x sell price
    net proceeds = proceeds - sell fee share          (may be negative)
    pnl          = net proceeds - cost basis

Worked example. Two buys: 1.0 at 100 with fee 0.60, then 1.0 at 110 with fee 0.66. One sell: 1.5 at 120 with fee 1.08,
so 0.72 a unit. The sell takes 1.0 from the first lot and 0.5 from the second:

    1.0 x 120 - 0.72 - (1.0 x 100 + 0.60) = 18.68
    0.5 x 120 - 0.36 - (0.5 x 110 + 0.33) =  4.31        together 22.99

Check: gross 25.00 less fees 0.60 + 0.33 + 1.08 is 22.99. The second lot keeps 0.5 with a fee of 0.33.

Rounding. Sizes, costs and proceeds are exact products and never rounded. Fee shares are whole multiples of a quantum
and add up to the fee exactly (`consuming`). No row is dropped because it is small (R82).

Cases. A sell beyond the lots it may use becomes a row without a buy, with neither basis nor P&L: a basis of zero would
invent profit, a later buy would invent history, and an exception would hide every trade after it (R5). Executions of
size zero allocate nothing (B188). A fee in another currency than quote is an execution of its own (`fees`).

Invariants, each a test in `lots/test_properties.py`: sizes, fees and money are conserved; rows do not depend on the
order of arrival; products do not touch each other; no lot serves a sell that precedes it. Amounts are spelled in one
way (`money.canonical`), so equal rows are equal to the byte.
"""

from bottrader.domain.lots.choice import unit_cost
from bottrader.domain.lots.consuming import FEE_QUANTUM
from bottrader.domain.lots.fees import FEE_SUFFIX, ChargedFee, with_fee
from bottrader.domain.lots.limits import check_amounts
from bottrader.domain.lots.matching import LotQueue, allocate
from bottrader.domain.lots.rows import Allocation, Execution, LedgerKey, LotMethod, LotResult, OpenLot, ledger_key
from bottrader.domain.lots.selection import NamedPart, Selection

__all__ = [
    "FEE_QUANTUM",
    "FEE_SUFFIX",
    "Allocation",
    "ChargedFee",
    "Execution",
    "LedgerKey",
    "LotMethod",
    "LotQueue",
    "LotResult",
    "NamedPart",
    "OpenLot",
    "Selection",
    "allocate",
    "check_amounts",
    "ledger_key",
    "unit_cost",
    "with_fee",
]

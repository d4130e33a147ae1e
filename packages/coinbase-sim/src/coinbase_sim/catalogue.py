"""The faults F1 to F30 of an exchange by name, each as the script that plays it.

What is named here can be scripted through the control interface (`{"fault": "F2", "nth": 3}`) and in Python
(`named("F2", nth=3)`), and can be let come at random (`{"seed": 7, "rates": {"F2": 0.05}}`). A name with a suffix is a
variant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from coinbase_sim.actions import Action
from coinbase_sim.faults import Control, Fault


@dataclass(frozen=True, slots=True)
class Named:
    """What goes wrong, in a few words, and the faults that make it so."""

    title: str
    faults: tuple[Fault, ...]


_PLACE, _CANCEL, _EDIT = "POST /orders", "POST /orders/batch_cancel", "POST /orders/edit"
_LIST, _LOOK, _FILLS = (
    "GET /orders/historical/batch",
    "GET /orders/historical/{order_id}",
    "GET /orders/historical/fills",
)
_BTC = {"product_id": "BTC-USD"}


def _first(on: str, path: str, **body: object) -> Fault:
    return Fault(on, Action.CONTROL_FIRST, control=Control(path, body))


CATALOGUE: Mapping[str, Named] = {
    "F1": Named("the request is lost", (Fault(_PLACE, Action.DROP_REQUEST),)),
    "F2": Named("the reply is lost, the order is live", (Fault(_PLACE, Action.DROP_REPLY),)),
    "F3": Named("the reply comes after 30 s", (Fault(_PLACE, Action.DELAY_REPLY, seconds=30),)),
    "F4": Named("the reply comes after the client has asked again", (Fault(_PLACE, Action.DELAY_REPLY, seconds=3),)),
    "F5": Named("one 429", (Fault(_PLACE, Action.HTTP_429),)),
    "F5_html": Named("one 429 as a page of HTML", (Fault(_PLACE, Action.HTTP_429_HTML),)),
    "F6": Named("ten minutes of 429", (Fault("* *", Action.HTTP_429, lasts_s=600),)),
    "F7": Named("503 to all, orders are placed", (Fault("* *", Action.HTTP_503_PLACED, times=0),)),
    "F7_not_placed": Named("503 to all, nothing is done", (Fault("* *", Action.HTTP_503_NOT_PLACED, times=0),)),
    "F7_500": Named("500 to an order that is placed", (Fault(_PLACE, Action.HTTP_500_PLACED),)),
    "F7_500_not_placed": Named("500 to an order that is not", (Fault(_PLACE, Action.HTTP_500_NOT_PLACED),)),
    "F7_502": Named("502 to an order that is placed", (Fault(_PLACE, Action.HTTP_502_PLACED),)),
    "F7_502_not_placed": Named("502 to an order that is not", (Fault(_PLACE, Action.HTTP_502_NOT_PLACED),)),
    "F8": Named("a refusal in a 200", (Fault(_PLACE, Action.NOT_SUCCESS, code="INSUFFICIENT_FUND"),)),
    "F9": Named("half a reply", (Fault("* *", Action.TRUNCATE),)),
    "F9_field": Named("fields that nobody knows", (Fault("* *", Action.UNKNOWN_FIELD),)),
    "F9_enum": Named("words that nobody knows", (Fault("* *", Action.UNKNOWN_ENUM),)),
    "F9_empty": Named("a 200 that says nothing", (Fault(_PLACE, Action.EMPTY_OBJECT),)),
    "F9_message": Named("half a message", (Fault("ws user", Action.TRUNCATE),)),
    "F9_message_enum": Named("a message with unknown words", (Fault("ws user", Action.UNKNOWN_ENUM),)),
    "F9_channel": Named("a message of an unknown channel", (Fault("ws user", Action.UNKNOWN_CHANNEL),)),
    "F10": Named("one 401", (Fault("* *", Action.HTTP_401),)),
    "F10_clock": Named("the venue's clock is ten minutes ahead", (_first("* *", "/clock", skew_s=600.0),)),
    "F11": Named("the key is revoked", (_first("* *", "/key", revoked=True),)),
    "F12": Named("the product goes offline", (_first(_PLACE, "/product", **_BTC, status="offline"),)),
    "F12_cancel_only": Named("the product takes cancels only", (_first(_PLACE, "/product", **_BTC, cancel_only=True),)),
    "F13": Named(
        "the increments change", (_first(_PLACE, "/rules", **_BTC, price_increment="50", base_increment="0.001"),)
    ),
    "F14": Named("the minimum is raised", (_first(_PLACE, "/rules", **_BTC, quote_min_size="1000000"),)),
    "F15": Named("the money is not there", (_first(_PLACE, "/balance", currency="USD", available="0"),)),
    "F16": Named("the fill wins against the cancel", (_first(_CANCEL, "/fill"),)),
    "F16_queued": Named("the cancel is accepted and waits", (Fault(_CANCEL, Action.QUEUE_CANCEL),)),
    "F17": Named("half is filled before the cancel", (_first(_CANCEL, "/fill", share="0.5"),)),
    "F17_edit": Named("half is filled before the edit", (_first(_EDIT, "/fill", share="0.5"),)),
    "F18": Named(
        "a young order is found by no reading",
        (Fault(_LOOK, Action.NOT_FOUND, lasts_s=5), Fault(_LIST, Action.HIDE_ROWS, lasts_s=5)),
    ),
    "F18_pending": Named("an order stays PENDING", (Fault(_PLACE, Action.QUEUE_ORDER),)),
    "F19": Named("a page of fills lacks a row", (Fault(_FILLS, Action.LOSE_ROW),)),
    "F19_repeated": Named("a page of fills repeats a row", (Fault(_FILLS, Action.REPEAT_ROW),)),
    "F19_empty_page": Named("an empty page with a cursor", (Fault(_FILLS, Action.EMPTY_PAGE),)),
    "F20": Named(
        "a fill is told and listed twice",
        (Fault("ws user", Action.REPEAT_MESSAGE, times=0), Fault(_FILLS, Action.REPEAT_ROW, times=0)),
    ),
    "F21": Named(
        "updates and fills out of order",
        (Fault("ws user", Action.HOLD_MESSAGE), Fault(_FILLS, Action.REVERSE_ROWS, times=0)),
    ),
    "F22": Named("the fill is told before the order is answered", (Fault(_PLACE, Action.DELAY_REPLY, seconds=1),)),
    "F23": Named("silence on an open socket", (Fault("ws ticker", Action.STALL),)),
    "F24": Named("a message is missing", (Fault("ws ticker", Action.DROP_MESSAGE),)),
    "F24_lower": Named("a sequence number that goes back", (Fault("ws ticker", Action.LOWER_SEQUENCE),)),
    "F25": Named("old updates after a reconnect", (Fault("subscribe user", Action.REPLAY),)),
    "F26": Named("no subscription is confirmed", (Fault("subscribe ticker", Action.DROP_ACK),)),
    "F27": Named("the ticker is dead, heartbeats live", (Fault("ws ticker", Action.MUTE, times=0),)),
    "F27_heartbeats": Named("heartbeats stop, the ticker lives", (Fault("ws heartbeats", Action.MUTE, times=0),)),
    "F28": Named("fills are listed a minute late", (Fault(_FILLS, Action.HIDE_ROWS, lasts_s=60),)),
    "F28_update": Named("an update comes a second late", (Fault("ws user", Action.DELAY_MESSAGE, seconds=1),)),
    "F29": Named("the newest fill is taken back", (_first(_FILLS, "/reversal"),)),
    "F29_corrected": Named("the newest fill is corrected", (_first(_FILLS, "/correction", price="1", commission="0"),)),
    "F30": Named("crossed prices", (Fault("ws ticker", Action.CROSSED_TICK),)),
    "F30_zero": Named("prices of zero", (Fault("ws ticker", Action.ZERO_TICK),)),
    "F30_nan": Named("prices that are no number", (Fault("ws ticker", Action.NAN_TICK),)),
    "F30_tenfold": Named("prices of ten times the market", (Fault("ws ticker", Action.TENFOLD_TICK),)),
    "F30_stale": Named("public prices of the second before", (Fault("GET *", Action.STALE_REPLY, seconds=1, times=0),)),
}
"""Every fault by its name, variants after the one they vary."""

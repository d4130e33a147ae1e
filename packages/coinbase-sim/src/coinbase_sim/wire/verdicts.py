"""The venue's answers to orders, edits and previews: HTTP 200 whether it does so or not (coinbase.md §4, §7, §9)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from coinbase_sim.model import Order, OrderRejected
from coinbase_sim.previews import Preview
from coinbase_sim.wire import encode
from coinbase_sim.wire.texts import amount_text

Json = dict[str, Any]

_DOUBLE_NAMED_REASONS = frozenset({"INSUFFICIENT_FUND", "INVALID_LIMIT_PRICE_POST_ONLY"})
"""Refusals that the venue gives both as an order and as a preview reason (coinbase.md §8)."""


def order_accepted(placed: Order) -> Json:
    request = placed.request
    return {
        "success": True,
        "success_response": {
            "order_id": placed.order_id,
            "product_id": request.product_id,
            "side": request.side.value,
            "client_order_id": request.client_order_id,
            "attached_order_id": placed.attached_order_id,
        },
        "order_configuration": encode.order_configuration(request),
    }


def order_refused(rejected: OrderRejected) -> Json:
    """The refusal of an order, which the venue sends with HTTP 200.

    `error` is the deprecated field: it says nothing when a preview reason holds the truth, so that a client must
    examine all three (coinbase.md §7).
    """
    base_reason = rejected.reason.removeprefix("PREVIEW_")
    previewed = rejected.reason.startswith("PREVIEW_") or base_reason in _DOUBLE_NAMED_REASONS
    named = base_reason in _DOUBLE_NAMED_REASONS or not previewed
    return {
        "success": False,
        "error_response": {
            "error": "UNKNOWN_FAILURE_REASON" if previewed else base_reason,
            "message": rejected.message,
            "error_details": "",
            "preview_failure_reason": f"PREVIEW_{base_reason}" if previewed else "UNKNOWN_PREVIEW_FAILURE_REASON",
            "new_order_failure_reason": base_reason if named else "UNKNOWN_FAILURE_REASON",
        },
        "order_configuration": {},
    }


def edit_refused(rejected: OrderRejected) -> Json:
    """The refusal of an edit, with HTTP 200; the SDK reads `errors` as a list of objects (§9)."""
    return {
        "success": False,
        "error_response": {
            "error_details": rejected.message,
            "edit_order_failure_reason": _edit_reasons(rejected)["edit_failure_reason"],
        },
        "errors": [_edit_reasons(rejected)],
    }


def _edit_reasons(rejected: OrderRejected) -> Json:
    if rejected.reason.startswith("PREVIEW_"):
        return {"edit_failure_reason": "UNKNOWN_EDIT_ORDER_FAILURE_REASON", "preview_failure_reason": rejected.reason}
    return {
        "edit_failure_reason": rejected.reason,
        "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON",
    }


def edit_accepted(order_id: str) -> Json:
    return {"success": True, "success_response": {"order_id": order_id}, "errors": []}


def preview(computed: Preview) -> Json:
    """What an order would do; the code of a refusal stands in `errs` with HTTP 200."""
    return _preview_amounts(computed) | _preview_rest(computed.errors, computed.preview_id, computed.best_ask)


def preview_refused(rejected: OrderRejected) -> Json:
    """The preview of a configuration that is not traded here."""
    return dict.fromkeys(_PREVIEW_AMOUNTS, "0") | _preview_rest((rejected.reason,), "", Decimal(0))


def edit_preview(computed: Preview) -> Json:
    errors = [_edit_reasons(OrderRejected(reason, computed.message)) for reason in computed.errors]
    return _preview_amounts(computed) | {"errors": errors}


def edit_preview_refused(rejected: OrderRejected) -> Json:
    """The preview of an edit of an order that is not there."""
    return dict.fromkeys(_PREVIEW_AMOUNTS, "0") | {"errors": [_edit_reasons(rejected)]}


_PREVIEW_AMOUNTS = (
    "order_total",
    "commission_total",
    "quote_size",
    "base_size",
    "best_bid",
    "average_filled_price",
    "slippage",
)


def _preview_amounts(computed: Preview) -> Json:
    return {name: amount_text(getattr(computed, name)) for name in _PREVIEW_AMOUNTS}


def _preview_rest(errors: Sequence[str], preview_id: str, best_ask: Decimal) -> Json:
    return {
        "errs": list(errors),
        "warning": [],
        "best_ask": amount_text(best_ask),
        "is_max": False,
        "preview_id": preview_id,
        "leverage": "",
        "order_margin_total": "",
    }

"""A signal as JSON, there and back; what is missing or unclear is refused by name."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.adapters.http.payload import PayloadInvalid, decode_signal, encode_signal, read_json
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price, Size
from bottrader.domain.signals import Action, Breakdown, Component, Signal, SignalId, Trigger
from tests.fixtures.facts import make_signal

GOOD: dict[str, Any] = {
    "uuid": "0b7e4a34-5b0e-5f6a-9c0d-0123456789ab",
    "action": "buy",
    "pair": "BTC-USD",
    "timestamp": 1768132860000,
    "origin": "SIGHOOK",
    "trigger": {"trigger": "ROC_MOMO", "trigger_note": "roc 12"},
    "price": "42789.654321",
    "candle_opened_at": "2026-01-11T12:00:00Z",
    "born_at": "2026-01-11T12:01:00Z",
    "expires_at": "2026-01-11T12:01:30Z",
    "snapshot_id": "5eed",
    "score": {"roc": "12.5"},
    "quote_size": "20.00",
    "breakdown": {
        "reason": "score",
        "last_side": "sell",
        "cooldown_until": "2026-01-11T12:35:00Z",
        "components": [
            {
                "indicator": "Buy RSI",
                "side": "buy",
                "decision": True,
                "value": "21.5",
                "threshold": "25",
                "weight": "1.5",
                "contribution": "1.5",
            },
            {"indicator": "Sell MACD", "side": "sell", "weight": "1.8", "contribution": "0"},
        ],
    },
}


def decoded(**changes: Any) -> Signal:
    return decode_signal(json.dumps({**GOOD, **changes}).encode())


def without(*names: str) -> bytes:
    return json.dumps({name: value for name, value in GOOD.items() if name not in names}).encode()


def refusal_of(body: bytes) -> PayloadInvalid:
    with pytest.raises(PayloadInvalid) as caught:
        decode_signal(body)
    return caught.value


def test_a_payload_written_by_hand_is_understood() -> None:
    signal = decoded()
    assert signal.signal_id == GOOD["uuid"]
    assert (signal.action, signal.trigger, signal.note) == (Action.BUY, Trigger.ROC_MOMO, "roc 12")
    assert (signal.product_id, signal.price, signal.quote_size) == (
        "BTC-USD",
        Decimal("42789.654321"),
        Decimal("20.00"),
    )
    assert signal.born_at == datetime(2026, 1, 11, 12, 1, tzinfo=UTC)
    assert signal.scores == {"roc": Decimal("12.5")}


def test_the_body_is_the_documented_one() -> None:
    body = json.loads(encode_signal(make_signal()))
    assert body["trigger"] == {"trigger": "ROC_MOMO", "trigger_note": "roc 3.1 above 2.5"}
    assert (body["origin"], body["action"], body["pair"]) == ("SIGHOOK", "buy", "BTC-USD")
    assert body["price"] == "42789.654321"
    assert body["timestamp"] == 1768132920000  # 2026-01-11 12:02:00
    assert set(body) == {*GOOD, "size_base"}
    assert body["size_base"] is None


def test_a_breakdown_written_by_hand_is_understood() -> None:
    """R47: the components travel with the signal, so that the order is linked to them."""
    assert decoded().breakdown == Breakdown(
        reason="score",
        components=(
            Component("Buy RSI", Action.BUY, True, Decimal("21.5"), Decimal(25), Decimal("1.5"), Decimal("1.5")),
            Component("Sell MACD", Action.SELL, None, None, None, Decimal("1.8"), Decimal(0)),
        ),
        last_side=Action.SELL,
        cooldown_until=datetime(2026, 1, 11, 12, 35, tzinfo=UTC),
    )


def test_a_sender_need_not_say_why() -> None:
    assert decode_signal(without("breakdown")).breakdown is None


@pytest.mark.parametrize(
    "breakdown",
    [
        {"components": []},
        {"reason": "score", "last_side": "long"},
        {"reason": "score", "cooldown_until": "2026-01-11T12:35:00"},
        {
            "reason": "score",
            "components": [{"indicator": "x", "side": "buy", "weight": 1.5, "contribution": "0"}],
        },
        {"reason": "score", "components": [{"indicator": "x", "side": "up", "weight": "1", "contribution": "0"}]},
        {"reason": "score", "components": [{"indicator": "x", "side": "buy", "weight": "NaN", "contribution": "0"}]},
        {"reason": "score", "moon": 1},
        {"reason": "\0"},
        {"reason": "score", "cooldown_until": "0001-01-01T00:00:00+14:00"},
    ],
    ids=repr,
)
def test_a_breakdown_that_cannot_be_read_is_refused(breakdown: dict[str, Any]) -> None:
    with pytest.raises(PayloadInvalid) as caught:
        decoded(breakdown=breakdown)
    assert caught.value.code == "INVALID_JSON_FORMAT"


def test_every_attempt_has_the_same_bytes() -> None:
    assert encode_signal(make_signal()) == encode_signal(make_signal())


def test_amounts_have_no_exponent() -> None:
    tiny = replace(make_signal(), price=Price(Decimal("1E-8")), scores={"a": Decimal("1E+3")})
    body = json.loads(encode_signal(tiny))
    assert (body["price"], body["score"]) == ("0.00000001", {"a": "1000"})


STORABLE = st.characters(codec="utf-8", exclude_characters="\0")
amounts = st.decimals(min_value=Decimal("1E-12"), max_value=Decimal("1E+12"), allow_nan=False, allow_infinity=False)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
components = st.builds(
    Component,
    indicator=st.text(STORABLE, max_size=12),
    side=st.sampled_from(Action),
    decision=st.none() | st.booleans(),
    value=st.none() | st.decimals(-100, 100, allow_nan=False, places=10),
    threshold=st.none() | amounts,
    weight=amounts,
    contribution=amounts,
)
breakdowns = st.builds(
    Breakdown,
    reason=st.text(STORABLE, max_size=20),
    components=st.lists(components, max_size=3).map(tuple),
    last_side=st.none() | st.sampled_from(Action),
    cooldown_until=st.none() | times,
)
signals = st.builds(
    Signal,
    signal_id=st.uuids().map(lambda each: SignalId(str(each))),
    product_id=st.sampled_from(["BTC-USD", "1INCH-EUR"]).map(ProductId),
    action=st.sampled_from(Action),
    trigger=st.sampled_from(Trigger),
    note=st.text(STORABLE),
    price=amounts.map(Price),
    candle_opened_at=times,
    born_at=times,
    expires_at=times,
    snapshot_hash=st.text("0123456789abcdef", max_size=64),
    scores=st.dictionaries(st.text(STORABLE, max_size=8), amounts, max_size=4),
    quote_size=st.none() | amounts,
    breakdown=st.none() | breakdowns,
)


@given(signals)
def test_what_is_written_is_what_is_read(signal: Signal) -> None:
    assert decode_signal(encode_signal(signal)) == signal


@pytest.mark.parametrize("note", ["\\u0000", "\\\\u0000", "u0000", "\\"])
def test_text_that_only_looks_like_what_cannot_be_stored_is_taken(note: str) -> None:
    assert decoded(trigger={"trigger": "ROC", "trigger_note": note}).note == note


@pytest.mark.parametrize("note", ["\0", "\\\0", "a\\\\\0b"])
def test_what_no_database_stores_is_refused_after_any_number_of_backslashes(note: str) -> None:
    with pytest.raises(PayloadInvalid, match="no database stores"):
        decoded(trigger={"trigger": "ROC", "trigger_note": note})


@pytest.mark.parametrize("text", ["1E+200", "1E-200", "1" * 200, f"0.{'1' * 198}", "0"])
def test_an_amount_may_have_two_hundred_digits(text: str) -> None:
    assert decoded(score={"roc": text}).scores == {"roc": Decimal(text)}


def test_an_absent_amount_stays_absent() -> None:
    """B38, R44"""
    assert decode_signal(without("quote_size")).quote_size is None
    assert decoded(quote_size=None).quote_size is None


def test_scores_and_note_may_be_left_out() -> None:
    signal = decode_signal(json.dumps({**json.loads(without("score")), "trigger": {"trigger": "SCORE"}}).encode())
    assert (signal.scores, signal.note) == ({}, "")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"nonsense", b"[" * 100_000, b"[1]", b'"text"', b"null", b"7"]
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    """B256"""
    assert refusal_of(body).code == "INVALID_JSON_FORMAT"
    with pytest.raises(PayloadInvalid):
        read_json(body)


@pytest.mark.parametrize(("name", "code"), [("uuid", "MISSING_UUID"), ("action", "MISSING_ACTION")])
def test_uuid_and_action_have_codes_of_their_own(name: str, code: str) -> None:
    """B256, B263"""
    assert refusal_of(without(name)).code == code
    assert refusal_of(json.dumps({**GOOD, name: ""}).encode()).code == code
    assert refusal_of(json.dumps({**GOOD, name: None}).encode()).code == code


def test_the_guides_load_payload_lacks_a_uuid() -> None:
    """B263"""
    body = {"symbol": "BTC-USD", "side": "buy", "size": 0.001, "price": 40000.0, "order_id": "x", "timestamp": 1}
    assert refusal_of(json.dumps(body).encode()).code == "MISSING_UUID"


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"uuid", "action", "score", "quote_size", "breakdown"}))
def test_every_other_field_is_required_by_name(name: str) -> None:
    refusal = refusal_of(without(name))
    assert refusal.code == "INVALID_JSON_FORMAT"
    assert name in str(refusal)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"uuid": 7}, "uuid"),
        ({"uuid": "not-a-uuid"}, "UUID"),
        ({"uuid": GOOD["uuid"].upper()}, "lower case"),
        ({"uuid": GOOD["uuid"].replace("-", "")}, "dashes"),
        ({"action": "foo"}, "action is one of buy, sell"),
        ({"action": "BUY"}, "action is one of"),
        ({"pair": None}, "pair"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"trigger": "ROC"}, "trigger"),
        ({"trigger": {}}, "trigger"),
        ({"trigger": {"trigger": "MY_ALERT"}}, "trigger is one of"),
        ({"trigger": {"trigger": "ROC", "extra": 1}}, "extra"),
        ({"trigger": {"trigger": "ROC", "trigger_note": "a\0b"}}, "no database stores"),
        ({"snapshot_id": "\0"}, "no database stores"),
        ({"born_at": "0001-01-01T00:00:00+14:00"}, "within the years 1 to 9999"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "within the years 1 to 9999"),
        ({"price": 42789.65}, "price"),
        ({"price": "0"}, "above zero"),
        ({"price": "NaN"}, "finite"),
        ({"price": "1E+201"}, "at most 200 digits"),
        ({"price": "1E-201"}, "at most 200 digits"),
        ({"price": "1" * 201}, "at most 200 digits"),
        ({"quote_size": "1E-99999"}, "at most 200 digits"),
        ({"score": {"roc": "0E-99999"}}, "at most 200 digits"),
        ({"price": "cheap"}, "decimal number"),
        ({"score": {"roc": 12.5}}, "score"),
        ({"score": {"roc": "Infinity"}}, "finite"),
        ({"quote_size": 20}, "quote_size"),
        ({"quote_size": "0"}, "quote_size is above zero"),
        ({"quote_size": "-5"}, "quote_size is above zero"),
        ({"born_at": "2026-01-11T12:01:00"}, "offset"),
        ({"candle_opened_at": "2026-01-11T12:01:00"}, "offset"),
        ({"expires_at": "2026-01-11T12:01:00"}, "offset"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"order_size": "5"}, "order_size"),
    ],
)
def test_each_malformed_field_is_refused_with_what_is_wrong(changes: dict[str, Any], word: str) -> None:
    """B258: what is unclear is never guessed."""
    refusal = refusal_of(json.dumps({**GOOD, **changes}).encode())
    assert refusal.code == "INVALID_JSON_FORMAT"
    assert word in str(refusal)


def test_an_unknown_origin_is_forbidden() -> None:
    """B257"""
    assert refusal_of(json.dumps({**GOOD, "origin": "elsewhere"}).encode()).code == "FORBIDDEN"


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(str(refusal_of(json.dumps({**GOOD, "origin": "x" * 10_000}).encode()))) < 100
    assert len(str(refusal_of(json.dumps({**GOOD, "action": "x" * 10_000}).encode()))) < 200


def test_any_offset_means_the_same_moment() -> None:
    assert decoded(born_at="2026-01-11T13:01:00+01:00").born_at - decoded().born_at == timedelta(0)
    assert UUID(decoded().signal_id)


def test_a_persons_order_names_its_exact_size_and_its_origin() -> None:
    """B297"""
    asked = replace(
        make_signal(), trigger=Trigger.MANUAL, quote_size=None, size_base=Size(Decimal("0.00123456")), breakdown=None
    )
    body = encode_signal(asked)
    assert json.loads(body)["origin"] == "MANUAL"
    assert json.loads(body)["size_base"] == "0.00123456"
    assert decode_signal(body) == asked


@pytest.mark.parametrize("size", ["0", "-0.1", "NaN", "much"])
def test_an_exact_size_is_an_amount_above_zero(size: str) -> None:
    """B297"""
    with pytest.raises(PayloadInvalid) as refused:
        decoded(origin="MANUAL", trigger={"trigger": "MANUAL"}, size_base=size)
    assert refused.value.code == "INVALID_JSON_FORMAT"


def test_a_strategy_does_not_name_an_exact_size() -> None:
    """Its size is what its trigger is granted, so a field that would pass the sizing by is refused."""
    with pytest.raises(PayloadInvalid, match="size_base goes with the trigger MANUAL only"):
        decoded(size_base="0.001")

"""Signal ids follow from their content, and triggers are a closed list."""

import uuid
from uuid import UUID

import pytest

from bottrader.domain.signals import Action, Trigger, derive_signal_id
from tests.unit.domain.examples import BTC, ETH, START, at


def test_the_same_decision_has_the_same_id_in_every_run() -> None:
    """B174."""
    first = derive_signal_id(BTC, START, "hash", Action.BUY)
    assert first == derive_signal_id(BTC, at(0), "hash", Action.BUY)
    assert str(UUID(first)) == first
    assert UUID(first).version == 5


def test_every_part_of_a_decision_changes_its_id() -> None:
    ids = {
        derive_signal_id(BTC, START, "hash", Action.BUY),
        derive_signal_id(ETH, START, "hash", Action.BUY),
        derive_signal_id(BTC, at(5), "hash", Action.BUY),
        derive_signal_id(BTC, START, "other", Action.BUY),
        derive_signal_id(BTC, START, "hash", Action.SELL),
    }
    assert len(ids) == 5


def test_an_id_is_what_it_was_when_the_first_signals_were_stored() -> None:
    """The namespace and the seed are part of every stored id; oracle: `uuid5` over the written-out seed."""
    namespace = uuid.UUID("6f1d3a52-6c0b-5a53-9b6e-0d2f4b7c9a11")
    expected = uuid.uuid5(namespace, "signal|BTC-USD|2026-01-01T00:00:00+00:00|hash|buy")
    assert derive_signal_id(BTC, START, "hash", Action.BUY) == str(expected)


@pytest.mark.parametrize("text", ["ROC_MOMO", "roc_momo", "Roc_Momo"])
def test_a_trigger_is_read_in_any_case(text: str) -> None:
    """B29."""
    assert Trigger(text) is Trigger.ROC_MOMO


@pytest.mark.parametrize("value", ["my alert 7", "", None, 3])
def test_an_unknown_trigger_is_refused(value: object) -> None:
    """B34."""
    with pytest.raises(ValueError, match="is not a valid Trigger"):
        Trigger(value)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("text", ["hold", "BUY", ""])
def test_an_unknown_action_is_refused(text: str) -> None:
    """B258."""
    with pytest.raises(ValueError, match="is not a valid Action"):
        Action(text)

"""The settings object: its groups, and that each setting stands in exactly one of them."""

import pytest

from bottrader.config import Settings, groups

pytestmark = pytest.mark.component("config_manager")


def test_every_setting_stands_in_one_group_and_in_the_order_of_the_groups() -> None:
    named = [name for group in groups().values() for name in group.model_fields]
    assert named == list(Settings.model_fields)


def test_a_group_is_called_after_its_module() -> None:
    assert list(groups()) == [
        "service",
        "exchange",
        "symbols",
        "selection",
        "strategy",
        "passive",
        "sizing",
        "risk",
        "exits",
        "brackets",
        "reports",
        "mail",
        "outreach",
    ]

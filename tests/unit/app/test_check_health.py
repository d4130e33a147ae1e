"""Health as a person or a probe reads it."""

import json
from dataclasses import replace

from bottrader.app.check_health import Health
from tests.fixtures.facts import NOON

WELL = Health("webhook", True, (), "c0ffee", "r0003", "5eed", NOON, "1.0")


def test_ready_without_faults_is_ok() -> None:
    """B264"""
    assert WELL.is_ok
    assert WELL.shown()["status"] == "ok"


def test_a_fault_or_not_being_ready_is_degraded() -> None:
    """B264"""
    for ill in (replace(WELL, is_ready=False), replace(WELL, faults=("the market stream is down",))):
        assert not ill.is_ok
        assert ill.shown()["status"] == "degraded"


def test_it_shows_what_runs_and_how_it_is_set_up() -> None:
    """R41"""
    shown = json.loads(json.dumps(replace(WELL, faults=("x",)).shown()))
    assert shown == {
        "status": "degraded",
        "role": "webhook",
        "ready": True,
        "faults": ["x"],
        "version": "1.0",
        "config_hash": "c0ffee",
        "schema_revision": "r0003",
        "snapshot_hash": "5eed",
        "venue_time": "2026-01-11T12:00:00+00:00",
    }
    assert replace(WELL, venue_time=None).shown()["venue_time"] is None

"""Health as a person or a probe reads it, and numbers of several roles in one process."""

import json
from dataclasses import replace
from datetime import timedelta

from bottrader.adapters.memory.clock import ManualClock
from bottrader.app.check_health import Health, faults_of, readings_of, tasks_of
from bottrader.app.figures import Figure, Reading
from bottrader.app.tasks import TaskBoard
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
    shown = json.loads(
        json.dumps(replace(WELL, faults=("x",), git_sha="abc1234", tasks={"webhook.look": 0.25}).shown())
    )
    assert shown == {
        "status": "degraded",
        "role": "webhook",
        "ready": True,
        "faults": ["x"],
        "version": "1.0",
        "git_sha": "abc1234",
        "config_hash": "c0ffee",
        "schema_revision": "r0003",
        "snapshot_hash": "5eed",
        "venue_time": "2026-01-11T12:00:00+00:00",
        "tasks": {"webhook.look": 0.25},
    }
    assert replace(WELL, venue_time=None).shown()["venue_time"] is None


class Role:
    """A role with one task, one fault and one number."""

    def __init__(self, name: str, clock: ManualClock, market_age_s: float) -> None:
        self.board = TaskBoard(clock, name)
        self.board.register("look", 10)
        self.name = name
        self.market_age_s = market_age_s

    def is_ready(self) -> bool:
        return True

    def faults(self) -> list[str]:
        return [f"{self.name} is ill"]

    def readings(self) -> list[Reading]:
        return [Reading(Figure.MARKET_MESSAGE_AGE_S, self.market_age_s)]


def test_a_process_shows_the_faults_and_tasks_of_all_its_roles() -> None:
    """B305, R54: the task of sighook, due 10 s after it began, is silent at 11 s; the webhook's began at 5 s."""
    clock = ManualClock()
    sighook = Role("sighook", clock, 2)
    clock.advance(timedelta(seconds=5))
    webhook = Role("webhook", clock, 3)
    clock.advance(timedelta(seconds=6))
    parts = [webhook, sighook]
    assert faults_of(parts) == (
        "webhook is ill",
        "sighook is ill",
        "the task sighook.look has been silent for more than 10 s",
    )
    assert tasks_of(parts) == {"webhook.look": 6, "sighook.look": 11}


def test_of_one_number_that_two_roles_tell_the_worse_is_shown() -> None:
    clock = ManualClock()
    readings = readings_of([Role("webhook", clock, 3), Role("sighook", clock, 2)])
    assert [reading for reading in readings if reading.figure is Figure.MARKET_MESSAGE_AGE_S] == [
        Reading(Figure.MARKET_MESSAGE_AGE_S, 3)
    ]
    assert {reading.label for reading in readings if reading.figure is Figure.TASK_BEAT_AGE_S} == {
        "webhook.look",
        "sighook.look",
    }

"""The text that a scrape gets, number by number."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from bottrader.adapters.http.metrics import FAMILIES, exposition
from bottrader.adapters.http.probes import Probes
from bottrader.app.check_health import Health
from bottrader.app.figures import Figure, Reading
from tests.fixtures.facts import NOON

WELL = Health("all", True, (), "c0ffee", "0014", "5eed", NOON, "1.0", "abc1234")

# Names that dashboards, alerts and pages of the runbook use; a name that changes here has to change there.
NAMES = {
    "bottrader_signals_total",
    "bottrader_signal_outcomes_total",
    "bottrader_orders_total",
    "bottrader_orders_unknown_open",
    "bottrader_market_message_age_seconds",
    "bottrader_position_unprotected_seconds_total",
    "bottrader_positions_open",
    "bottrader_allocation_age_seconds",
    "bottrader_report_age_seconds",
    "bottrader_task_beat_age_seconds",
    "bottrader_task_silence_max_seconds",
    "bottrader_lease_held",
    "bottrader_kill_switch_on",
    "bottrader_notifications_total",
}


def samples(health: Health, *readings: Reading) -> dict[tuple[str, ...], float]:
    """Return what a reader of the format sees: value by name and label values."""
    text = exposition(lambda: health, lambda: readings).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_process_tells_what_runs_and_whether_it_is_well() -> None:
    """B264, R41"""
    shown = exposition(lambda: WELL, list).decode()
    assert (
        'bottrader_build_info{config_hash="c0ffee",git_sha="abc1234",role="all",version="1.0"} 1.0'
        in shown.splitlines()
    )
    assert samples(WELL)["bottrader_ready",] == 1
    assert samples(WELL)["bottrader_healthy",] == 1
    ill = replace(WELL, faults=("the market stream is down",))
    assert (samples(ill)["bottrader_ready",], samples(ill)["bottrader_healthy",]) == (1, 0)
    waiting = replace(WELL, is_ready=False)
    assert (samples(waiting)["bottrader_ready",], samples(waiting)["bottrader_healthy",]) == (0, 0)


def test_each_figure_has_its_fixed_name() -> None:
    named = {name for name, *_ in samples(WELL, *(Reading(figure, 1, "x") for figure in Figure))}
    assert named - {"bottrader_build_info", "bottrader_ready", "bottrader_healthy"} == NAMES
    assert set(FAMILIES) == set(Figure)


def test_numbers_come_with_their_labels_and_unlabelled_ones_without() -> None:
    shown = samples(
        WELL,
        Reading(Figure.SIGNALS, 3, "accepted"),
        Reading(Figure.SIGNALS, 0, "busy"),
        Reading(Figure.POSITIONS_OPEN, 2),
        Reading(Figure.REPORT_AGE_S, 61.5, "daily"),
        Reading(Figure.LEASE_HELD, True),
    )
    assert shown["bottrader_signals_total", "accepted"] == 3
    assert shown["bottrader_signals_total", "busy"] == 0
    assert shown["bottrader_positions_open",] == 2
    assert shown["bottrader_report_age_seconds", "daily"] == 61.5
    assert shown["bottrader_lease_held",] == 1


def test_what_a_role_does_not_have_is_not_shown_as_zero() -> None:
    assert {name for name, *_ in samples(WELL)} == {"bottrader_build_info", "bottrader_ready", "bottrader_healthy"}


def test_every_scrape_reads_anew() -> None:
    ages = iter([1.0, 2.0])
    probes = Probes(lambda: WELL, lambda: [Reading(Figure.MARKET_MESSAGE_AGE_S, next(ages))])
    assert b"bottrader_market_message_age_seconds 1.0" in probes.metrics().content
    assert b"bottrader_market_message_age_seconds 2.0" in probes.metrics().content

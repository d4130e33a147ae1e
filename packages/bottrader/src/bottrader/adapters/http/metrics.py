"""`GET /metrics`: the process's own numbers in the text format of Prometheus, read from its state at each scrape.

Nothing is kept between two scrapes, and no registry is global: what is shown is what the bot itself knows.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bottrader.app.check_health import Health
from bottrader.app.figures import Figure, Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "bottrader_"


class _Family(NamedTuple):
    """How a figure is published; a counter's name gets `_total` by the format's own rule."""

    name: str
    is_counter: bool
    help: str
    label: str = ""


FAMILIES = {
    Figure.SIGNALS: _Family("signals", True, "Requests to take in a signal, by answer.", "answer"),
    Figure.SIGNAL_OUTCOMES: _Family("signal_outcomes", True, "Outcomes of accepted signals.", "outcome"),
    Figure.ORDERS: _Family("orders", True, "Answers of the exchange to orders that were sent.", "outcome"),
    Figure.ORDERS_UNKNOWN_OPEN: _Family("orders_unknown_open", False, "Orders of unknown outcome."),
    Figure.MARKET_MESSAGE_AGE_S: _Family(
        "market_message_age_seconds", False, "Seconds since the last message of the market stream."
    ),
    Figure.POSITION_UNPROTECTED_S: _Family(
        "position_unprotected_seconds", True, "Seconds in which some position was not protected."
    ),
    Figure.POSITIONS_OPEN: _Family("positions_open", False, "Open positions."),
    Figure.ALLOCATION_AGE_S: _Family(
        "allocation_age_seconds", False, "Seconds since the stored allocations were last in step with the fills."
    ),
    Figure.REPORT_AGE_S: _Family("report_age_seconds", False, "Seconds since the newest report.", "period"),
    Figure.TASK_BEAT_AGE_S: _Family("task_beat_age_seconds", False, "Seconds since a task's last beat.", "task"),
    Figure.TASK_SILENCE_MAX_S: _Family("task_silence_max_seconds", False, "Seconds a task may be silent.", "task"),
    Figure.LEASE_HELD: _Family("lease_held", False, "1 while this process holds the right to trade."),
    Figure.KILL_SWITCH_ON: _Family("kill_switch_on", False, "1 while nothing is bought because of the kill switch."),
    Figure.NOTIFICATIONS: _Family("notifications", True, "Notifications to people, by result.", "result"),
}


class _Readings(Collector):
    """Turns one look at the process into metric families."""

    def __init__(self, health: Health, readings: Sequence[Reading]) -> None:
        self._health = health
        self._readings = readings

    def collect(self) -> Iterable[Metric]:
        health = self._health
        build = {
            "version": health.version,
            "git_sha": health.git_sha,
            "config_hash": health.config_hash,
            "role": health.role,
        }
        info = GaugeMetricFamily(f"{PREFIX}build_info", "What runs.", labels=list(build))
        info.add_metric(list(build.values()), 1)
        yield info
        yield GaugeMetricFamily(f"{PREFIX}ready", "1 once the role does what others wait for.", health.is_ready)
        yield GaugeMetricFamily(f"{PREFIX}healthy", "1 while /health answers 200.", health.is_ok)
        for figure, family in FAMILIES.items():
            readings = [reading for reading in self._readings if reading.figure is figure]
            if readings:
                yield _metric(family, readings)


def _metric(family: _Family, readings: Sequence[Reading]) -> Metric:
    kind = CounterMetricFamily if family.is_counter else GaugeMetricFamily
    metric = kind(PREFIX + family.name, family.help, labels=[family.label] if family.label else [])
    for reading in readings:
        metric.add_metric([reading.label] if family.label else [], reading.value)
    return metric


def exposition(health: Callable[[], Health], readings: Callable[[], Sequence[Reading]]) -> bytes:
    """Return what a scrape is answered."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Readings(health(), readings()))
    return generate_latest(registry)

"""What a process shows of itself in numbers, read from its state at the moment it is asked; no one decides by it."""

from enum import StrEnum
from typing import NamedTuple


class Figure(StrEnum):
    """What is told; the comment of each says what its label is."""

    SIGNALS = "signals"
    """Requests to take in a signal, by answer."""
    SIGNAL_OUTCOMES = "signal_outcomes"
    """Outcomes of accepted signals, by outcome."""
    ORDERS = "orders"
    """Answers of the exchange to requests to place an order, by outcome."""
    ORDERS_UNKNOWN_OPEN = "orders_unknown_open"
    MARKET_MESSAGE_AGE_S = "market_message_age"
    POSITION_UNPROTECTED_S = "position_unprotected"
    POSITIONS_OPEN = "positions_open"
    ALLOCATION_AGE_S = "allocation_age"
    REPORT_AGE_S = "report_age"
    """Seconds since the newest report, by period."""
    TASK_BEAT_AGE_S = "task_beat_age"
    """Seconds since the last beat, by task."""
    TASK_SILENCE_MAX_S = "task_silence_max"
    """Seconds that a task may be silent, by task."""
    LEASE_HELD = "lease_held"
    KILL_SWITCH_ON = "kill_switch_on"
    NOTIFICATIONS = "notifications"
    """Notifications, by result."""


class Reading(NamedTuple):
    """One number, with the label that tells it from others of the same figure."""

    figure: Figure
    value: float
    label: str = ""

"""Whether the process does what it promises, in one value that a person or a probe can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bottrader.app.figures import Figure, Reading
from bottrader.app.tasks import TaskBoard


@dataclass(frozen=True, slots=True)
class Build:
    """What runs: code and settings."""

    version: str
    git_sha: str
    config_hash: str


@dataclass(frozen=True, slots=True)
class Health:
    """`is_ready`: signals are accepted. `faults`: what does not work right now, in words; none means healthy.

    `tasks`: real seconds since the last beat of each long-lived task.
    """

    role: str
    is_ready: bool
    faults: tuple[str, ...]
    config_hash: str
    schema_revision: str
    snapshot_hash: str
    venue_time: datetime | None
    version: str
    git_sha: str = "unknown"
    tasks: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        return self.is_ready and not self.faults

    def shown(self) -> dict[str, object]:
        """Return the health as JSON-ready values."""
        return {
            "status": "ok" if self.is_ok else "degraded",
            "role": self.role,
            "ready": self.is_ready,
            "faults": list(self.faults),
            "version": self.version,
            "git_sha": self.git_sha,
            "config_hash": self.config_hash,
            "schema_revision": self.schema_revision,
            "snapshot_hash": self.snapshot_hash,
            "venue_time": None if self.venue_time is None else self.venue_time.isoformat(),
            "tasks": {name: round(age_s, 3) for name, age_s in self.tasks.items()},
        }


class Part(Protocol):
    """One role at work in a process, as far as it is looked at."""

    board: TaskBoard

    def is_ready(self) -> bool:
        """Tell whether it does what others wait for."""
        ...

    def faults(self) -> list[str]:
        """Return what does not work, in words, from memory; tasks are on the board."""
        ...

    def readings(self) -> list[Reading]:
        """Return its numbers, from memory."""
        ...


def faults_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return what does not work in any of the parts."""
    return tuple(fault for part in parts for fault in (*part.faults(), *part.board.faults()))


def tasks_of(parts: Sequence[Part]) -> dict[str, float]:
    """Return seconds since the last beat of each task of the parts."""
    return {name: age_s for part in parts for name, age_s in part.board.ages_s().items()}


def readings_of(parts: Sequence[Part]) -> list[Reading]:
    """Return all numbers of the parts; of two that say the same the larger one counts, which is the worse."""
    merged: dict[tuple[Figure, str], Reading] = {}
    for part in parts:
        for reading in (*part.readings(), *part.board.readings()):
            known = merged.get((reading.figure, reading.label))
            if known is None or reading.value > known.value:
                merged[reading.figure, reading.label] = reading
    return list(merged.values())

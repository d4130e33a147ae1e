"""Whether the process does what it promises, in one value that a person or a probe can read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Health:
    """`is_ready`: signals are accepted. `faults`: what does not work right now, in words; none means healthy."""

    role: str
    is_ready: bool
    faults: tuple[str, ...]
    config_hash: str
    schema_revision: str
    snapshot_hash: str
    venue_time: datetime | None
    version: str

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
            "config_hash": self.config_hash,
            "schema_revision": self.schema_revision,
            "snapshot_hash": self.snapshot_hash,
            "venue_time": None if self.venue_time is None else self.venue_time.isoformat(),
        }

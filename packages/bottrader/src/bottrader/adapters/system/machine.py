"""What a smoke test sees of this machine: the newest line of a log, and the room on a disk."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bottrader.domain.smoke import DiskSeen, LogSeen

LOG_SUFFIXES = frozenset({".log", ".jsonl"})


def see_log(place: Path, now: datetime, *, is_named: bool, left_out: Path | None = None) -> LogSeen:
    """Return the newest log at `place`, a file or a folder with folders; `left_out` is a folder of somebody else."""
    written = {file: at for file in _logs(place, left_out) if (at := _written_at(file)) is not None}
    if not written:
        return LogSeen(str(place), None, is_named)
    newest = max(written, key=lambda file: written[file])
    return LogSeen(str(newest), max(now - written[newest], timedelta(0)), is_named)


def see_disk(folder: Path) -> DiskSeen:
    """Return how full the disk is that `folder` is on, or will be on when it is made."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        usage = shutil.disk_usage(existing)
    except OSError as error:
        return DiskSeen(str(existing), None, error.strerror or type(error).__name__)
    # What is reserved for root is no room for the bot, so it is not counted as free; `df` reckons the same.
    return DiskSeen(str(existing), Decimal(usage.used) / Decimal(max(usage.used + usage.free, 1)))


def _logs(place: Path, left_out: Path | None) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if Path(folder, name) != left_out]
        yield from (Path(folder, name) for name in files if Path(name).suffix in LOG_SUFFIXES)


def _written_at(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return None

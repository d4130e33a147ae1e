"""A kill switch that works without database, network or command line: a file that is there or is not."""

from typing import Protocol

KILL_FILE_NAME = "KILL"


class KillFile(Protocol):
    """A file named `KILL` in the data folder; while it exists nothing is bought."""

    def reason(self) -> str | None:
        """Return what the file says (or that it is there), None when there is no such file.

        Never raises: a file that exists and cannot be read counts as there.
        """
        ...

"""How far a stream has been handled, so that whoever replays a market can wait for it."""

import asyncio
from datetime import datetime

_ALL = ""


class Progress:
    """The newest time handled, overall and per subject (a product); times never go back."""

    __slots__ = ("_moved", "_newest", "_of_subject")

    def __init__(self) -> None:
        self._newest: datetime | None = None
        self._of_subject: dict[str, datetime] = {}
        self._moved = asyncio.Event()

    @property
    def newest(self) -> datetime | None:
        return self._newest

    def reach(self, at: datetime, subject: str | None = None) -> None:
        """Everything up to `at` is handled; without a subject this holds for all of them."""
        if self._newest is None or at > self._newest:
            self._newest = at
        subject = _ALL if subject is None else subject
        self._of_subject[subject] = max(at, self._of_subject.get(subject, at))
        self._moved.set()

    def has_reached(self, at: datetime, subject: str | None = None) -> bool:
        """Tell whether everything up to `at` is handled, of `subject` or of all."""
        overall = self._of_subject.get(_ALL)
        if overall is not None and overall >= at:
            return True
        if subject is None:
            return False
        of_subject = self._of_subject.get(subject)
        return of_subject is not None and of_subject >= at

    async def reached(self, at: datetime, subject: str | None = None) -> None:
        """Return once everything up to `at` is handled."""
        while not self.has_reached(at, subject):
            self._moved.clear()
            await self._moved.wait()

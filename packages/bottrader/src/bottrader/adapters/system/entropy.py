"""Randomness from the operating system."""

import random
import secrets

SECRET_BYTES = 32


class SystemEntropy:
    """The operating system's generator: unguessable, not repeatable."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def secret(self) -> str:
        return secrets.token_urlsafe(SECRET_BYTES)

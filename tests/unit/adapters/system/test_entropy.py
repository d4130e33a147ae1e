"""Randomness from the operating system."""

import base64

from bottrader.adapters.system.entropy import SystemEntropy


def test_a_number_lies_between_its_bounds() -> None:
    entropy = SystemEntropy()
    assert all(2.0 <= entropy.uniform(2.0, 3.0) <= 3.0 for _ in range(100))


def test_a_secret_has_256_bits_and_is_never_the_same() -> None:
    entropy = SystemEntropy()
    secrets = {entropy.secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))) >= 32 for secret in secrets)

"""How a setting is written: amounts, pairs, coins, times, addresses and secrets, each judged where it enters."""

import re
from datetime import time
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.market import ProductId
from bottrader.domain.money import parse_amount
from bottrader.domain.signals import Trigger

SECRET_LENGTH_MIN = 24
# Words of documents and templates: whoever reads them knows such a secret.
SAMPLE_WORDS = ("change-me", "changeme", "replace-me", "your-secret", "example-secret", "password")


class SettingsGroup(BaseModel):
    """Settings of one subject. Its module names their table in the TOML file, its docstring heads them on the page."""


def _amount(value: object) -> Decimal:
    if not isinstance(value, str | int | Decimal):
        # pydantic turns a ValueError into one line of its list; a TypeError would escape it.
        raise ValueError(  # noqa: TRY004
            f"an amount is written as text or as a whole number, was {type(value).__name__}"
        )
    try:
        return parse_amount(value)
    except AmountInvalid as error:
        raise ValueError(str(error)) from None


def _unset_when_empty(value: object) -> object:
    # Compose files pass an unset variable on as an empty one.
    return None if value == "" else value


def _words(value: object) -> object:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _pairing(value: object) -> object:
    if not isinstance(value, str):
        return value
    words = [word.strip() for word in value.split(",") if word.strip()]
    if faults := [word for word in words if "=" not in word]:
        raise ValueError(f"parameters are written name=value, separated by commas, was {faults[0]!r}")
    return {name.strip(): given.strip() for name, _, given in (word.partition("=") for word in words)}


def _pairs(value: tuple[ProductId, ...]) -> tuple[ProductId, ...]:
    if not value or len(set(value)) < len(value):
        raise ValueError(f"name at least one pair, and each once, was {','.join(value)!r}")
    return value


def _coin(value: str) -> str:
    # A rule for a coin that is spelt otherwise would silently protect nothing.
    if not (value.isalnum() and value.isupper()):
        raise ValueError(f"a coin is written in capitals without its quote currency, such as BTC, was {value!r}")
    return value


def _trigger(value: str) -> str:
    # A position whose trigger is spelt otherwise would silently be managed by other rules.
    if value not in Trigger.__members__:
        raise ValueError(f"a trigger is one of {', '.join(Trigger)}, was {value!r}")
    return value


def _pair(value: str) -> str:
    base, dash, quote = value.partition("-")
    if not (dash and base.isalnum() and quote.isalnum() and value.isupper()):
        raise ValueError(f"a pair is written BASE-QUOTE in capitals, such as BTC-USD, was {value!r}")
    return value


def not_a_sample(secret: SecretStr) -> SecretStr:
    """Return a secret that is long enough and stands in no document; another one is refused without repeating it."""
    text = secret.get_secret_value()
    if len(text) < SECRET_LENGTH_MIN or any(word in text.lower().replace("_", "-") for word in SAMPLE_WORDS):
        raise ValueError(f"a webhook secret has at least {SECRET_LENGTH_MIN} characters and is nobody's sample")
    return secret


def none_a_sample(secrets: SecretStr) -> SecretStr:
    """Return several secrets, separated by commas, of which each is judged like a single one."""
    for text in secrets_in(secrets):
        not_a_sample(SecretStr(text))
    return secrets


def secrets_in(secrets: SecretStr) -> tuple[str, ...]:
    return tuple(word.strip() for word in secrets.get_secret_value().split(",") if word.strip())


def time_of_day(value: object) -> object:
    """Return the time that `HH:MM` spells; anything else that is no time is refused."""
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"a time of day is written HH:MM, such as 02:05, was {value!r}")
    return time(int(found[1]), int(found[2]))


def _times(value: tuple[time, ...]) -> tuple[time, ...]:
    if len(set(value)) < len(value):
        raise ValueError("name each time of day once")
    return value


def zone_name(value: object) -> object:
    """Return the name of a time zone; one that nobody knows is refused."""
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"a time zone is written as in America/Los_Angeles or UTC, was {value!r}") from None
    return value


def _address(value: str) -> str:
    # What stands in a header of a mail must not be able to begin another one.
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", value):
        raise ValueError(f"a mail address is written name@host, was {value!r}")
    return value


Amount = Annotated[Decimal, BeforeValidator(_amount)]
Unset = BeforeValidator(_unset_when_empty)
Pairs = Annotated[
    tuple[Annotated[ProductId, AfterValidator(_pair)], ...], NoDecode, BeforeValidator(_words), AfterValidator(_pairs)
]
PairSet = Annotated[frozenset[Annotated[ProductId, AfterValidator(_pair)]], NoDecode, BeforeValidator(_words)]
Pairing = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairing)]
Triggers = Annotated[frozenset[Annotated[str, AfterValidator(_trigger)]], NoDecode, BeforeValidator(_words)]
Coins = Annotated[frozenset[Annotated[str, AfterValidator(_coin)]], NoDecode, BeforeValidator(_words)]
SecretWords = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_words)]
MailAddress = Annotated[str, AfterValidator(_address)]
MailAddresses = Annotated[tuple[MailAddress, ...], NoDecode, BeforeValidator(_words)]
TimesOfDay = Annotated[
    tuple[Annotated[time, BeforeValidator(time_of_day)], ...], NoDecode, BeforeValidator(_words), AfterValidator(_times)
]

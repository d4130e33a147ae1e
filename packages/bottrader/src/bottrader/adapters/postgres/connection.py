"""The one door to the driver: addresses are checked, sessions opened, and every vendor error becomes one of ours.

No exception of a commit may be read as "rolled back": a lost acknowledgement and a rollback look the same to the
client. So everything that is not a definite refusal by the database is `StoreUnreachable`, and the caller repeats the
write with the same key.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

# The driver ships no types; `Connection` below says what the stores use of it.
import asyncpg  # type: ignore[import-untyped]

from bottrader.domain.errors import InvariantBroken, StartupRefused, StoreUnreachable
from bottrader.domain.hosts import is_near

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 30.0
STATEMENT_CACHE_SIZE = 200
"""Prepared statements kept per connection; more than the store has, so each is parsed once."""

SESSION_SETTINGS = {
    "application_name": "bottrader",
    "timezone": "UTC",
    # The server's default is that of a spinning disk: it would read a whole ledger to find the trades of a month.
    "random_page_cost": "1.1",
    # A transaction that waits or idles longer than this belongs to a client that is gone, and would block the others.
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    # A holder of the lease that lost its network is noticed after a minute, not after the system's two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

Row = Mapping[str, Any]

# SQLSTATE classes in which the database answered for certain: the data or the statement contradicts the schema.
_DEFINITE_REFUSALS = ("22", "23", "42", "P0")
# SQLSTATE class in which it undid a transaction that may as well be repeated.
_ROLLED_BACK = "40"
VERIFIED = "verify-full"
_EXAMPLE = "postgresql://user:password@host:5432/name"


class Interrupted(StoreUnreachable):
    """The session ended under the statement, and what it did is not known; or the database undid it to let another one
    pass (a deadlock, a serialisation failure). It may be repeated at once under the same keys (F42, F43)."""


class Connection(Protocol):
    """What the stores use of a driver connection; placeholders are `$1`, `$2` ... and numerics arrive as `Decimal`."""

    async def execute(self, query: str, *args: object) -> str: ...

    async def fetch(self, query: str, *args: object) -> Sequence[Row]: ...

    async def fetchrow(self, query: str, *args: object) -> Row | None: ...

    async def fetchval(self, query: str, *args: object) -> Any: ...

    async def executemany(self, command: str, args: Sequence[Sequence[object]]) -> None: ...

    # What these two take beyond a statement is the driver's own: pieces of bytes out of the server, and into it.
    async def copy_from_query(self, query: str, *args: object, output: object, format: str) -> str: ...  # noqa: A002

    async def copy_to_table(self, table_name: str, *, source: object, columns: Sequence[str], format: str) -> str: ...  # noqa: A002

    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> str: ...

    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False
    ) -> AbstractAsyncContextManager[object]: ...

    # The driver's own name for its grace period.
    async def close(self, *, timeout: float | None = None) -> None: ...  # noqa: ASYNC109

    def terminate(self) -> None: ...

    def is_closed(self) -> bool: ...

    def add_termination_listener(self, callback: Callable[[object], None]) -> None: ...


def address_of(dsn: str) -> str:
    """Return `host:port/name` of a database URL, for messages; user, password and options are left out."""
    parts = urlsplit(dsn)
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    port = f":{parts.port}" if parts.port else ""
    return f"{host}{port}{parts.path}"


def check_dsn(dsn: str) -> None:
    """Raise `StartupRefused` unless `dsn` is the URL of a PostgreSQL database."""
    try:
        scheme, address = urlsplit(dsn).scheme, address_of(dsn)
    except ValueError:
        # The text of the cause may quote the password.
        raise StartupRefused(f"DATABASE_URL cannot be read; it looks like {_EXAMPLE}") from None
    if scheme not in {"postgresql", "postgres"}:
        found = f"a {scheme} address" if scheme and "://" in dsn else "no URL"
        raise StartupRefused(f"DATABASE_URL is {found}, but BotTrader needs PostgreSQL: {_EXAMPLE}")
    if address.startswith("/") and not parse_qs(urlsplit(dsn).query).get("host"):
        raise StartupRefused(f"DATABASE_URL names no host; it looks like {_EXAMPLE}")
    _check_way(dsn)


def _check_way(dsn: str) -> None:
    """Refuse a server out in the world whose certificate is not checked: password and books would be anybody's."""
    parts, options = urlsplit(dsn), parse_qs(urlsplit(dsn).query)
    host = parts.hostname or options.get("host", ["localhost"])[0]
    if not is_near(host) and options.get("sslmode") != [VERIFIED]:
        raise StartupRefused(
            f"the database at {address_of(dsn)} is not on this machine or a private network, and nobody checks whom it"
            f" is: add sslmode={VERIFIED} to DATABASE_URL, with sslrootcert=FILE for the certificate of who vouches"
        )


async def connect(dsn: str, command_timeout_s: float | None = COMMAND_TIMEOUT_S) -> Connection:
    """Open one session whose statements may take this long, with None as long as they need.

    Raises `StartupRefused` with one sentence, without the password, when that fails.
    """
    check_dsn(dsn)
    with _startup(dsn):
        connection = await asyncpg.connect(dsn, **{**_options(), "command_timeout": command_timeout_s})
    return cast("Connection", connection)


async def create_pool(dsn: str, max_size: int) -> Any:
    """Open a pool whose first connection answers; raises `StartupRefused` like `connect`."""
    check_dsn(dsn)
    with _startup(dsn):
        return await asyncpg.create_pool(dsn, min_size=1, max_size=max_size, reset=_leave_as_it_is, **_options())


async def _leave_as_it_is(_: object) -> None:
    """Spare every statement the round trip that would clean the session for the next one.

    Nothing is left to clean: the stores set what they set, and lock what they lock, for one transaction; what lasts
    longer (the lease, the lock of a rebuild) has a session of its own. An open transaction is ended by the driver.
    """


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn whatever the driver or the operating system raises inside into `StoreUnreachable` or `InvariantBroken`.

    Except where it hides that the task was cancelled: then it stays cancelled.
    """
    handled = sys.exception()
    try:
        yield
    except asyncpg.PostgresError as error:
        _stay_cancelled(error, handled)
        if (error.sqlstate or "").startswith(_DEFINITE_REFUSALS):
            raise InvariantBroken(f"the database refused while {doing}: {error}") from error
        gave_way = (error.sqlstate or "").startswith(_ROLLED_BACK)
        kind = Interrupted if gave_way or isinstance(error, asyncpg.PostgresConnectionError) else StoreUnreachable
        raise kind(f"the database failed while {doing}: {error}") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError) as error:
        _stay_cancelled(error, handled)
        cause = str(error) or type(error).__name__
        kind = Interrupted if isinstance(error, ConnectionError | EOFError) else StoreUnreachable
        raise kind(f"the database did not answer while {doing}: {cause}") from error


def _stay_cancelled(error: BaseException, handled: BaseException | None) -> None:
    """Raise the cancellation that `error` hides, if it hides one that came after `handled`.

    A task that is cancelled inside a transaction whose session is gone gets the driver's complaint that it cannot roll
    back. Taken for an answer of the database, the task would go on, and whoever ends the process waits for it for ever.
    """
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return
    hidden = error.__context__
    while hidden is not None and hidden is not handled:
        if isinstance(hidden, asyncio.CancelledError):
            raise hidden
        hidden = hidden.__context__


@contextmanager
def _startup(dsn: str) -> Iterator[None]:
    where = address_of(dsn)
    try:
        yield
    except TimeoutError:
        raise StartupRefused(
            f"the database at {where} did not answer within {CONNECT_TIMEOUT_S:.0f} s; check DATABASE_URL"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError) as error:
        cause = _without_secret(str(error) or type(error).__name__, dsn)
        raise StartupRefused(f"the database at {where} cannot be used: {cause}; check DATABASE_URL") from None
    except ValueError:
        raise StartupRefused(f"DATABASE_URL cannot be read; it looks like {_EXAMPLE}") from None


def _without_secret(text: str, dsn: str) -> str:
    password = urlsplit(dsn).password
    return text.replace(password, "***") if password else text


def _options() -> dict[str, Any]:
    return {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": COMMAND_TIMEOUT_S,
        "statement_cache_size": STATEMENT_CACHE_SIZE,
        "server_settings": SESSION_SETTINGS,
    }

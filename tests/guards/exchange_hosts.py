"""No test, and no program that a test starts, reaches the live exchange: looking its hosts up is refused and noted.

An audit hook sees every look-up and every connection of the interpreter, whoever makes it and however it was imported.
Programs started by a test get the hook through `child_site/sitecustomize.py`; what they were refused stands in a file,
and the test that started them fails.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.child_site import exchange_hook

CHILD_SITE = Path(__file__).parent / "child_site"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or exchange_hook.LOG not in os.environ:
        # Each worker has a file of its own, or one would answer for the other's tests.
        descriptor, name = tempfile.mkstemp(prefix="exchange-hosts-")
        os.close(descriptor)
        os.environ[exchange_hook.LOG] = name
        config.add_cleanup(lambda: _forget(name))
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(CHILD_SITE) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(CHILD_SITE), *filter(None, paths)])
    exchange_hook.install()


def _forget(name: str) -> None:
    Path(name).unlink(missing_ok=True)
    os.environ.pop(exchange_hook.LOG, None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    yield
    log = Path(os.environ[exchange_hook.LOG])
    if not log.stat().st_size:
        return
    hosts = ", ".join(sorted(set(log.read_text(encoding="utf-8").split())))
    log.write_text("", encoding="utf-8")
    pytest.fail(
        f"the live exchange was looked for: {hosts}; give the program under test the address of the simulator",
        pytrace=False,
    )

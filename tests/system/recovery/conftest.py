"""One killable server for the module, and a folder that programs of another user can read."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.killable_server import KillableServer, killable_server


@pytest.fixture(scope="module")
def server() -> Iterator[KillableServer]:
    with killable_server() as made:
        yield made


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="bottrader-recovery-"))
    yield made
    shutil.rmtree(made)

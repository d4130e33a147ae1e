"""The guards bite: each offence, planted in a copy of this test system, fails for the reason it should.

The copy is the repository's own configuration, root conftest and guards, so a guard that is no longer wired fails here.
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.guards.child_site import exchange_hook

ROOT = Path(__file__).parents[2]

OFFENCES = {
    "a socket in a unit test": (
        "unit",
        "import socket\ndef test_planted() -> None:\n    socket.socket(socket.AF_INET)\n",
        "the network was asked for",
    ),
    "a socket whose refusal is swallowed": (
        "unit",
        """\
import socket

def test_planted() -> None:
    try:
        socket.create_connection(("127.0.0.1", 1))
    except Exception:
        pass
""",
        "the network was asked for",
    ),
    "another host in an integration test": (
        "integration",
        """\
import socket

def test_planted() -> None:
    with socket.socket() as opened:
        try:
            opened.connect(("192.0.2.1", 80))
        except Exception:
            pass
""",
        "192.0.2.1 was called",
    ),
    "the live exchange": (
        "e2e",
        """\
import socket

def test_planted() -> None:
    try:
        socket.getaddrinfo("api.coinbase.com", 443)
    except Exception:
        pass
""",
        "the live exchange was looked for: api.coinbase.com",
    ),
    "the live exchange in a program that a test starts": (
        "e2e",
        """\
import subprocess
import sys

def test_planted() -> None:
    program = "import socket; socket.create_connection(('advanced-trade-ws.coinbase.com', 443))"
    subprocess.run([sys.executable, "-c", program], check=False)
""",
        "the live exchange was looked for: advanced-trade-ws.coinbase.com",
    ),
    "a sleep": ("unit", "import time\ndef test_planted() -> None:\n    time.sleep(0.01)\n", "slept 0.01 s for real"),
    "a sleep on the loop": (
        "unit",
        "import asyncio\nasync def test_planted() -> None:\n    await asyncio.sleep(0.06)\n",
        "slept 0.06 s on the event loop",
    ),
    "a task left behind": (
        "unit",
        """\
import asyncio

async def test_planted() -> None:
    task = asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="forgotten")
    assert not task.done()
""",
        "left behind by the test: task forgotten",
    ),
    "a task that got lost": (
        "unit",
        """\
import asyncio
import gc

async def test_planted() -> None:
    asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="forgotten")
    await asyncio.sleep(0)
    gc.collect()
""",
        "Task was destroyed but it is pending",
    ),
    "a task left behind by a fixture": (
        "unit",
        """\
import asyncio

import pytest

@pytest.fixture
async def working() -> asyncio.Task:
    return asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="forgotten")

def test_planted(working: asyncio.Task) -> None:
    assert not working.done()
""",
        "left behind by the test: task forgotten",
    ),
    "a connection left open": (
        "integration",
        """\
import socket

KEPT = []

def test_planted() -> None:
    KEPT.append(socket.create_server(("127.0.0.1", 0)))
""",
        "left behind by the test: socket:",
    ),
    "a thread left behind": (
        "unit",
        """\
import threading

def test_planted() -> None:
    threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()
""",
        "left behind by the test: thread forgotten",
    ),
    "too much work": (
        "unit",
        "def test_planted() -> None:\n    assert sum(number % 7 for number in range(6_000_000))\n",
        "ms of CPU and may use",
    ),
    "a property with too much work": (
        "unit",
        """\
from hypothesis import given, settings, strategies as st

@settings(max_examples=5, deadline=None)
@given(st.integers())
def test_planted(drawn: int) -> None:
    assert sum(number % 7 for number in range(1_500_000))
""",
        "ms of CPU and may use",
    ),
    "a budget without a reason": (
        "unit",
        "import pytest\n@pytest.mark.cpu_budget(500, '')\ndef test_planted() -> None:\n    pass\n",
        "takes up to 1000 ms and a reason",
    ),
    "arithmetic changed for all": (
        "unit",
        "import decimal\ndef test_planted() -> None:\n    decimal.getcontext().prec = 5\n",
        "decimal precision was 28 and is 5",
    ),
    "an environment changed for all": (
        "unit",
        "import os\ndef test_planted() -> None:\n    os.environ['PLANTED'] = 'secret'\n",
        "environment: PLANTED; use monkeypatch",
    ),
    "a warning": (
        "unit",
        "import warnings\ndef test_planted() -> None:\n    warnings.warn('something is old')\n",
        "UserWarning: something is old",
    ),
    "an unknown marker": (
        "unit",
        "import pytest\n@pytest.mark.planted\ndef test_planted() -> None:\n    pass\n",
        "'planted' not found in `markers` configuration option",
    ),
    "an unknown component": (
        "unit",
        "import pytest\n@pytest.mark.component('planted')\ndef test_planted() -> None:\n    pass\n",
        "no component is called 'planted'",
    ),
}
FOLDERS = {"unit": "unit", "integration": "integration", "e2e": "end_to_end"}


@pytest.fixture
def copy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """The test system without its tests; offences in it are none of this run's."""
    monkeypatch.delenv(exchange_hook.LOG, raising=False)
    monkeypatch.delenv("CI", raising=False)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    (pytester.path / "tests").mkdir()
    shutil.copy(ROOT / "tests/conftest.py", pytester.path / "tests")
    shutil.copytree(ROOT / "tests/guards", pytester.path / "tests/guards", ignore=skip)
    (pytester.path / "tests/fixtures").mkdir()
    shutil.copy(ROOT / "tests/fixtures/evidence.py", pytester.path / "tests/fixtures")
    return pytester


def run(copy: pytest.Pytester, layer: str, source: str, *options: str) -> pytest.RunResult:
    """Plant one file in a layer and run it."""
    file = copy.path / "tests" / FOLDERS[layer] / "test_planted.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return copy.runpytest_subprocess("-n", "0", *options, str(file))


@pytest.mark.parametrize("offence", OFFENCES)
def test_an_offence_turns_its_test_red(copy: pytest.Pytester, offence: str) -> None:
    layer, source, told = OFFENCES[offence]

    result = run(copy, layer, source)

    assert result.ret != pytest.ExitCode.OK
    printed = " ".join(result.outlines + result.errlines)
    assert told in printed, printed


def test_what_is_allowed_stays_green(copy: pytest.Pytester) -> None:
    """A turn of the loop, an awaited task, a first import, a first text, a local context, a budget with its reason."""
    result = run(
        copy,
        "unit",
        """\
import asyncio
import decimal

import pytest
from hypothesis import given, settings, strategies

async def test_a_turn_of_the_loop() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task

def test_a_first_import_is_free() -> None:
    import sqlalchemy.orm
    assert sqlalchemy.orm

@settings(max_examples=1)
@given(strategies.text())
def test_a_first_text_is_free(text: str) -> None:
    assert text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass") == text

def test_arithmetic_of_its_own() -> None:
    with decimal.localcontext() as context:
        context.prec = 5

@pytest.mark.cpu_budget(1000, "counts far")
def test_work_with_a_reason() -> None:
    assert sum(number % 7 for number in range(1_500_000))

@pytest.mark.component("fifo_engine")
def test_a_component() -> None:
    pass
""",
    )
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*CPU time of unit tests*", "6 tests used * s in their call phases; the slowest:"])


def test_a_test_of_another_layer_may_use_servers_of_its_own_and_wait(copy: pytest.Pytester) -> None:
    result = run(
        copy,
        "integration",
        """\
import socket
import time

def test_it_talks_to_itself_and_waits() -> None:
    time.sleep(0.06)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
""",
    )
    result.assert_outcomes(passed=1)


def test_the_order_is_random_and_the_seed_repeats_it(copy: pytest.Pytester) -> None:
    source = "".join(f"def test_{number}() -> None: ...\n" for number in range(30))
    written = [f"test_{number}" for number in range(30)]

    first = run(copy, "unit", source, "-v")
    (seed,) = re.findall(r"--randomly-seed=(\d+)", first.stdout.str())
    again = run(copy, "unit", source, "-v", f"--randomly-seed={seed}")

    order = re.findall(r"test_planted\.py::(test_\d+) PASSED", first.stdout.str())
    assert order != written
    assert sorted(order) == sorted(written)
    assert re.findall(r"test_planted\.py::(test_\d+) PASSED", again.stdout.str()) == order

"""The paper stack in real containers: they run as nobody special on a read-only root, and the bot answers.

Runs where `REQUIRE_DOCKER=1` says that an engine is there, and fails then when it is not. The image is built from this
tree; `BOTTRADER_BUILD_OPTIONS` hands `docker build` further options.
"""

import faulthandler
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TAG = "system-test"
PATIENCE_S = 180
BUILD_PATIENCE_S = 1200
ROLES = ("webhook", "sighook", "reporter")
RUNNING = (*ROLES, "db", "exchange")

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.environ.get("REQUIRE_DOCKER") != "1", reason="starts containers only with REQUIRE_DOCKER=1"),
]


@dataclass(frozen=True)
class Stack:
    """A running paper stack of this test alone."""

    compose: tuple[str, ...]
    environment: dict[str, str]
    secrets: Path

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [*self.compose, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def container(self, service: str) -> str:
        return self.run("ps", "-q", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        (found,) = json.loads(docker("inspect", self.container(service)))
        return dict(found)

    def sql(self, login: str, statement: str) -> subprocess.CompletedProcess[str]:
        """Run a statement over TCP as a login with a password, as the bot does."""
        password = (self.secrets / f"db_{login}_password").read_text().strip()
        words = ("psql", "--host=127.0.0.1", f"--username={login}", "--dbname=bottrader", "--command", statement)
        return subprocess.run(
            ["docker", "exec", "-e", "PGPASSWORD", self.container("db"), *words],
            env={**self.environment, "PGPASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout


def compose_program() -> tuple[str, ...]:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ("docker", "compose")
    assert shutil.which("docker-compose"), "neither docker compose nor docker-compose is installed"
    return ("docker-compose",)


def await_health(container: str, since: str) -> None:
    """Wait for the engine's own word that the container is healthy; the past since the start counts too."""
    events = ["docker", "events", "--since", since, "--filter", f"container={container}"]
    events += ["--filter", "event=health_status", "--format", "{{.Status}}"]
    with subprocess.Popen(["timeout", str(PATIENCE_S), *events], stdout=subprocess.PIPE, text=True) as told:
        assert told.stdout is not None
        seen = next((line for line in told.stdout if line.strip() == "health_status: healthy"), None)
        told.terminate()
    assert seen, docker("logs", "--tail", "50", container)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    secrets = tmp_path_factory.mktemp("stack") / "secrets"
    environment = {
        **os.environ,
        "BOTTRADER_SECRETS_DIR": str(secrets),
        "BOTTRADER_TAG": TAG,
        # Free ports, so that a stack of a person beside this one stays as it is.
        "BOTTRADER_WEBHOOK_PUBLISHED": "0",
        "PAPER_DATABASE_PUBLISHED": "0",
        "PAPER_EXCHANGE_PUBLISHED": "0",
    }
    # A build takes longer than a test may hang; each step here has a limit of its own.
    faulthandler.cancel_dump_traceback_later()
    for word in ("secrets", "build"):
        subprocess.run([DEPLOY / "stack.sh", word], env=environment, check=True, timeout=BUILD_PATIENCE_S)
    project = f"bottrader-test-{os.getpid()}"
    compose = (*compose_program(), "-p", project, "-f", str(DEPLOY / "compose.test.yaml"))
    running = Stack(compose, environment, secrets)
    since = str(int(datetime.now(UTC).timestamp()))
    try:
        running.run("up", "-d")
        await_health(running.container("webhook"), since)
        yield running
    finally:
        subprocess.run([*compose, "down", "--volumes", "--timeout", "10"], env=environment, check=False)


@pytest.mark.parametrize("service", RUNNING)
def test_a_container_runs_as_nobody_special_on_a_root_that_it_cannot_write(stack: Stack, service: str) -> None:
    """Promise P10: the kernel inside is asked, not the file: user, capabilities, new privileges, the root itself."""
    container = stack.container(service)
    status = dict(
        line.split(":", 1) for line in docker("exec", container, "cat", "/proc/1/status").splitlines() if ":" in line
    )
    assert "0" not in status["Uid"].split()
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    for folder in ("/", "/etc", "/usr", "/bin"):
        told = subprocess.run(
            ["docker", "exec", container, "touch", f"{folder}/planted"], capture_output=True, text=True, check=False
        )
        assert told.returncode != 0
        assert "Read-only file system" in told.stderr


def test_the_webhook_answers_on_this_machine_and_is_ready(stack: Stack) -> None:
    address = stack.run("port", "webhook", "5003").strip()
    assert address.startswith("127.0.0.1:")
    with urllib.request.urlopen(f"http://{address}/health", timeout=10) as reply:
        health = json.load(reply)
    assert (health["status"], health["ready"], health["faults"]) == ("ok", True, [])


def test_the_image_says_which_commit_and_which_settings_it_is(stack: Stack) -> None:
    found = stack.inspect("webhook")["Config"]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    revision = found["Labels"]["org.opencontainers.image.revision"]
    assert revision.removesuffix("-changed") == commit.strip()
    assert f"BOTTRADER_GIT_SHA={revision}" in found["Env"]
    shown = docker("run", "--rm", "--network", "none", f"bottrader:{TAG}", "config", "show")
    assert f"configuration hash {found['Labels']['bottrader.config-hash']}" in shown


def test_nothing_that_builds_or_fetches_is_in_the_image(stack: Stack) -> None:
    """Promise P10"""
    look = "for each in gcc cc ld make pip pip3 uv git curl wget; do command -v $each; done; exit 0"
    assert docker("exec", stack.container("webhook"), "sh", "-c", look) == ""
    script = (
        "from importlib.util import find_spec;"
        " print([name for name in ('pip', 'setuptools', 'ensurepip', 'hatchling') if find_spec(name)])"
    )
    for python in ("python", "/usr/local/bin/python3"):
        assert docker("exec", stack.container("webhook"), python, "-c", script) == "[]\n"


def test_the_bots_login_neither_changes_the_schema_nor_takes_facts_back(stack: Stack) -> None:
    assert stack.sql("bot", "SELECT count(*) FROM fills").returncode == 0
    for statement in ("DELETE FROM fills", "UPDATE fills SET price = 1", "CREATE TABLE planted ()", "DROP TABLE fills"):
        told = stack.sql("bot", statement)
        assert told.returncode == 1, statement
        assert "permission denied" in told.stderr or "must be owner" in told.stderr
    assert stack.sql("reader", "SELECT count(*) FROM fills").returncode == 0
    assert "permission denied" in stack.sql("reader", "INSERT INTO fills DEFAULT VALUES").stderr


def test_no_secret_is_told_by_the_engine_or_in_a_log(stack: Stack) -> None:
    secrets = {file.name: file.read_text().strip() for file in stack.secrets.iterdir()}
    assert len(secrets) == 7
    told = "".join(json.dumps(stack.inspect(service)) for service in (*RUNNING, "migrator")) + stack.run("logs")
    assert [name for name, secret in secrets.items() if secret in told] == []


def test_the_books_of_the_stack_survive_its_restart(stack: Stack) -> None:
    opened = stack.sql("reader", "SELECT count(*) FROM leases").stdout
    since = str(int(datetime.now(UTC).timestamp()))
    stack.run("restart", "db")
    stack.run("restart", "webhook")
    await_health(stack.container("webhook"), since)
    assert stack.sql("reader", "SELECT count(*) FROM leases").stdout == opened

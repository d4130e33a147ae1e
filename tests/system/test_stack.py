"""The paper stack in real containers: they run as nobody special on a read-only root, and the bot trades.

Runs where `REQUIRE_DOCKER=1` says that an engine is there, and fails then when it is not. The image is built from this
tree; `STACK_BUILD_OPTIONS` hands `docker build` further options.
"""

import faulthandler
import json
import os
import shutil
import subprocess
import sys
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
PORTS = {"webhook": 5003, "sighook": 5004, "reporter": 5005}
ROLES = tuple(PORTS)
RUNNING = (*ROLES, "db", "exchange")
TEN_CHECKS = [
    *("services", "database", "webhook health", "recent trades", "allocations", "active snapshot", "trade linkage"),
    *("logs", "schedules", "disk"),
]
DISK_USED_MAX = 0.8
# What may do what: privileges on tables by role, as the catalogue of the running server tells them.
RIGHTS = """
    SELECT r.rolname, c.relname, p.privilege,
           EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'append_only') AS is_fact
    FROM pg_class c CROSS JOIN (VALUES ('bot'), ('reader')) AS r (rolname)
    CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p (privilege)
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND has_table_privilege(r.rolname, c.oid, p.privilege)"""

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.environ.get("REQUIRE_DOCKER") != "1", reason="starts containers only with REQUIRE_DOCKER=1"),
]


@dataclass(frozen=True)
class Stack:
    """A running paper stack of this test alone."""

    compose: tuple[str, ...]
    project: str
    environment: dict[str, str]
    secrets: Path

    def run(self, *words: str) -> str:
        return self._call(*self.compose, *words)

    def script(self, *words: str) -> str:
        """Run `deploy/stack.sh`, as a person does."""
        return self._call(str(DEPLOY / "stack.sh"), *words)

    def _call(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def address(self, service: str, port: int) -> str:
        """Return where a port is published, always on this machine only."""
        address = self.run("port", service, str(port)).strip()
        assert address.startswith("127.0.0.1:")
        return address

    def ask(self, service: str, *paths: str) -> list[str]:
        """Ask a role from inside its own container, whose port is its own; return what it answers for each path."""
        origin = f"http://127.0.0.1:{PORTS[service]}"
        script = (
            "import json, urllib.request;"
            f" get = lambda path: urllib.request.urlopen({origin!r} + path, timeout=10).read().decode();"
            f" print(json.dumps([get(path) for path in {paths!r}]))"
        )
        return list(json.loads(docker("exec", self.container(service), "python", "-c", script)))

    def await_line(self, service: str, words: str) -> None:
        """Wait for a line of the log with these words; the past counts too."""
        follow = ["timeout", str(PATIENCE_S), "docker", "logs", "--follow", self.container(service)]
        with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as told:
            assert told.stdout is not None
            seen = next((line for line in told.stdout if words in line), None)
            told.terminate()
        assert seen, f"{service} never said {words}: {docker('logs', '--tail', '50', self.container(service))}"

    def container(self, service: str) -> str:
        return self.run("ps", "-q", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        (found,) = json.loads(docker("inspect", self.container(service)))
        return dict(found)

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()

    def sql(self, login: str, statement: str) -> subprocess.CompletedProcess[str]:
        """Run a statement over TCP as a login with a password, as the bot does."""
        password = self.secret(f"db_{'admin' if login == 'postgres' else login}_password")
        words = ("psql", "--host=127.0.0.1", f"--username={login}", "--dbname=bottrader", "--csv", "--tuples-only")
        return subprocess.run(
            ["docker", "exec", "-e", "PGPASSWORD", self.container("db"), *words, "--command", statement],
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
    project = f"bottrader-test-{os.getpid()}"
    environment = {
        **os.environ,
        "STACK_SECRETS_DIR": str(secrets),
        "STACK_TAG": TAG,
        # Free ports, so that a stack of a person beside this one stays as it is.
        "STACK_WEBHOOK_PUBLISHED": "0",
        "PAPER_DATABASE_PUBLISHED": "0",
        "PAPER_EXCHANGE_PUBLISHED": "0",
        # An hour and a half a minute: what the bot wants of this market it wants within its first hour.
        "PAPER_SPEED": "90",
        "COMPOSE_PROJECT_NAME": project,
    }
    # A build takes longer than a test may hang; each step here has a limit of its own.
    faulthandler.cancel_dump_traceback_later()
    for word in ("secrets", "build"):
        subprocess.run([DEPLOY / "stack.sh", word], env=environment, check=True, timeout=BUILD_PATIENCE_S)
    compose = (*compose_program(), "-p", project, "-f", str(DEPLOY / "compose.test.yaml"))
    running = Stack(compose, project, environment, secrets)
    since = str(int(datetime.now(UTC).timestamp()))
    try:
        running.run("up", "-d")
        for role in ROLES:
            await_health(running.container(role), since)
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
    with urllib.request.urlopen(f"http://{stack.address('webhook', 5003)}/health", timeout=10) as reply:
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


def test_every_role_tells_the_same_commit_and_settings_and_serves_its_metrics(stack: Stack) -> None:
    answers = {role: stack.ask(role, "/health", "/metrics") for role in ROLES}
    told = {role: json.loads(health) for role, (health, _) in answers.items()}
    assert {role: (health["role"], health["status"]) for role, health in told.items()} == {
        role: (role, "ok") for role in ROLES
    }
    revision = stack.inspect("webhook")["Config"]["Labels"]["org.opencontainers.image.revision"]
    assert {health["git_sha"] for health in told.values()} == {revision}
    assert len({health["config_hash"] for health in told.values()}) == 1
    for role, (_, shown) in answers.items():
        assert "bottrader_healthy 1.0" in shown
        # Who trades is asked of webhooks only: the rules count them.
        assert ("bottrader_lease_held" in shown) is (role == "webhook")


def passed(shown: str) -> None:
    """Demand ten passes; of the disk only where this machine has the room, since no stack can make it."""
    checks = {check["name"]: check for check in json.loads(shown)["checks"]}
    assert list(checks) == TEN_CHECKS
    usage = shutil.disk_usage(DEPLOY)
    if usage.used / (usage.used + usage.free) >= DISK_USED_MAX:
        del checks["disk"]
    assert [check for check in checks.values() if check["verdict"] != "pass"] == []


def test_the_bot_trades_and_the_smoke_test_shows_ten_passes(stack: Stack) -> None:
    """B303: from inside the stack, as docs/deploy.md says, and from this machine with the reader's login."""
    stack.await_line("webhook", '"event": "fill_recorded"')
    passed(stack.script("smoke", "paper", "--json"))
    dsn = f"postgresql://reader:{stack.secret('db_reader_password')}@{stack.address('db', 5432)}/bottrader"
    words = ("smoke", "--json", "--compose", stack.project, "--dsn", dsn)
    program = Path(sys.executable).with_name("bottrader")
    done = subprocess.run(
        [program, *words, "--url", f"http://{stack.address('webhook', 5003)}"],
        # What names parts of the stack is no setting of the bot.
        env={name: value for name, value in stack.environment.items() if not name.startswith(("BOTTRADER_", "STACK_"))},
        cwd=stack.secrets.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed(done.stdout)


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


def test_each_service_works_with_the_least_rights(stack: Stack) -> None:
    """The catalogue of the running server is asked, for every table there is."""
    rights = [line.split(",") for line in stack.sql("reader", RIGHTS).stdout.splitlines()]
    facts = {table for _, table, _, is_fact in rights if is_fact == "t"}
    assert {"fills", "order_intents", "signals"} <= facts
    of_facts = {(role, privilege) for role, table, privilege, _ in rights if table in facts}
    assert of_facts == {("bot", "SELECT"), ("bot", "INSERT"), ("reader", "SELECT")}
    assert {privilege for role, _, privilege, _ in rights if role == "reader"} == {"SELECT"}
    assert "TRUNCATE" not in {privilege for _, _, privilege, _ in rights}
    # Beside the one that asks there is only the bot: the owner of the schema has done its work and left.
    connected = "SELECT DISTINCT usename FROM pg_stat_activity WHERE client_addr IS NOT NULL ORDER BY 1"
    assert stack.sql("postgres", connected).stdout.split() == ["bot", "postgres"]
    powers = "SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls"
    assert stack.sql("reader", powers).stdout.split() == ["postgres"]
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert stack.sql("reader", owners).stdout.split() == ["migrator"]


def test_no_secret_is_told_by_the_engine_or_in_a_log(stack: Stack) -> None:
    secrets = {file.name: file.read_text().strip() for file in stack.secrets.iterdir()}
    assert len(secrets) == 8
    told = "".join(json.dumps(stack.inspect(service)) for service in (*RUNNING, "migrator")) + stack.run("logs")
    assert [name for name, secret in secrets.items() if secret in told] == []


def test_the_books_of_the_stack_survive_its_restart(stack: Stack) -> None:
    opened = stack.sql("reader", "SELECT count(*) FROM leases").stdout
    since = str(int(datetime.now(UTC).timestamp()))
    stack.run("restart", "db")
    # All of them: a reporter that goes on sees only at its next look that its lease is gone.
    stack.run("restart", *ROLES)
    for role in ROLES:
        await_health(stack.container(role), since)
    assert stack.sql("reader", "SELECT count(*) FROM leases").stdout == opened


def test_the_status_of_a_stack_that_works_is_healthy_and_names_what_is_held(stack: Stack) -> None:
    """As docs/deploy.md says: the services of the other containers are part of it."""
    stack.await_line("webhook", '"event": "fill_recorded"')
    told = json.loads(stack.script("status", "paper", "--json"))
    assert (told["healthy"], told["mode"], told["kill_switch"]) == (True, "paper", "off")
    assert {"reporter", "webhook"} <= set(told["leases"])
    assert {check["name"]: check["verdict"] for check in told["checks"]}["services"] == "pass"

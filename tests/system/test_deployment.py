"""What `deploy/` promises, read from its files: hardening, alerts and their pages, metrics that exist."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import noxfile
from bottrader.adapters.http.metrics import exposition
from bottrader.adapters.notify.sender import Result
from bottrader.app.check_health import Health
from bottrader.app.figures import Figure, Reading
from bottrader.app.tally import Answer, OrderAnswer
from bottrader.bootstrap.reporting import HOURLY
from bottrader.config.secret_files import file_variables
from bottrader.config.settings import SECRETS
from bottrader.domain.report_schedule import ReportKind
from bottrader.domain.signals import OutcomeKind

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RUNBOOK = ROOT / "docs/runbook"
STACKS = ("compose.yaml", "compose.test.yaml")
PARTS = ("What it means", "Is money at risk?", "Look", "Do")

# Metric to its labels: what every role serves. Prometheus adds `service` and `instance` to each, and `up` by itself.
METRICS: dict[str, set[str]] = {
    "bottrader_build_info": {"version", "git_sha", "config_hash", "role"},
    "bottrader_ready": set(),
    "bottrader_healthy": set(),
    "bottrader_signals_total": {"answer"},
    "bottrader_signal_outcomes_total": {"outcome"},
    "bottrader_orders_total": {"outcome"},
    "bottrader_orders_unknown_open": set(),
    "bottrader_market_message_age_seconds": set(),
    "bottrader_position_unprotected_seconds_total": set(),
    "bottrader_positions_open": set(),
    "bottrader_allocation_age_seconds": set(),
    "bottrader_report_age_seconds": {"period"},
    "bottrader_task_beat_age_seconds": {"task"},
    "bottrader_task_silence_max_seconds": {"task"},
    "bottrader_lease_held": set(),
    "bottrader_kill_switch_on": set(),
    "bottrader_notifications_total": {"result"},
}
VALUES = {
    ("bottrader_signals_total", "answer"): {
        *("accepted", "duplicate", "conflict", "replayed", "unauthorized", "invalid", "busy", "limited"),
        *("not_ready", "store_unreachable"),
    },
    ("bottrader_signal_outcomes_total", "outcome"): {"ordered", "refused", "expired"},
    ("bottrader_orders_total", "outcome"): {"accepted", "refused", "unknown"},
    ("bottrader_notifications_total", "result"): {"sent", "failed", "dropped"},
    ("bottrader_report_age_seconds", "period"): {"hourly", "daily", "weekly"},
}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def services_of(stack: str) -> dict[str, dict[str, Any]]:
    """Return the services with what they extend merged in, as Compose does: maps by key, lists one after the other."""
    extended = read(DEPLOY / "services.yaml")["services"]
    services = read(DEPLOY / stack)["services"]
    return {
        name: _merged(extended[service["extends"]["service"]], service) if "extends" in service else service
        for name, service in services.items()
    }


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        elif isinstance(value, list) and key not in ("command", "entrypoint"):
            merged[key] = [*merged.get(key, []), *value]
        else:
            merged[key] = value
    return merged


SERVICES = [(stack, name) for stack in STACKS for name in services_of(stack)]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in read(DEPLOY / "prometheus/alerts.yaml")["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/bottrader.json").read_text(encoding="utf-8"))
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every PromQL expression here, with the name of what it stands in."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def lint(tool: str, folder: Path) -> tuple[int, str]:
    """Run one of the gate's linters in `folder`; return its exit code and all it printed."""
    program, *arguments = noxfile.lint_commands()[tool]
    done = subprocess.run(
        [Path(sys.executable).parent / program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("tool", "file", "good", "bad", "told"),
    [
        ("compose-schema", "compose.test.yaml", "restart:", "restarts:", "restarts"),
        ("compose-schema", "services.yaml", "read_only: true", "read_only: [all]", "read_only"),
        ("dockerfile", "Dockerfile", "WORKDIR /build", "WORKDIR build", "DL3000"),
        ("dockerfile", "Dockerfile", "USER 10001:10001", "RUN sudo true", "DL3004"),
    ],
)
def test_the_files_pass_the_linters_of_the_gate_and_what_is_planted_does_not(
    tmp_path: Path, tool: str, file: str, good: str, bad: str, told: str
) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", "settings.env"))
    assert lint(tool, tmp_path)[0] == 0
    planted = tmp_path / "deploy" / file
    text = planted.read_text(encoding="utf-8")
    assert good in text
    planted.write_text(text.replace(good, bad, 1), encoding="utf-8")
    code, printed = lint(tool, tmp_path)
    assert code != 0
    assert told in printed


@pytest.mark.parametrize(("stack", "name"), SERVICES)
def test_every_container_is_hardened(stack: str, name: str) -> None:
    """Promise P10"""
    service = services_of(stack)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in ("", "0", "root")
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert all("docker.sock" not in mount for mount in service.get("volumes", []))
    assert all(mount.split(":")[1].startswith("size=") for mount in service["tmpfs"])


@pytest.mark.parametrize(("stack", "name"), SERVICES)
def test_every_port_is_published_on_this_machine_only(stack: str, name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services_of(stack)[name].get("ports", []))


@pytest.mark.parametrize(("stack", "name"), SERVICES)
def test_no_secret_stands_in_an_environment(stack: str, name: str) -> None:
    """Each secret of the settings, and each password of the other images, is named by its file or not at all."""
    service = services_of(stack)[name]
    environment = service.get("environment", {})
    for variable, value in environment.items():
        if re.search("PASSWORD|SECRET|TOKEN|DATABASE_URL", variable):
            assert variable.endswith("_FILE"), variable
            assert value == "" or value.removeprefix("/run/secrets/") in service["secrets"]
    assert {name for name in environment if name.endswith("_FILE")} - file_variables(SECRETS) <= {
        "BOTTRADER_EXCHANGE_KEY_FILE",
        "GF_SECURITY_ADMIN_PASSWORD__FILE",
    }
    assert set(service.get("secrets", [])) <= read(DEPLOY / stack)["secrets"].keys()


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_starts_before_what_it_needs(stack: str) -> None:
    services = services_of(stack)
    assert services["migrator"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for role in ("webhook", "sighook", "reporter"):
        assert services[role]["depends_on"]["migrator"] == {"condition": "service_completed_successfully"}
    # The roles are asked as their image says; nobody may turn that off for them.
    for name, service in services.items():
        if name in ("webhook", "sighook", "reporter"):
            assert "healthcheck" not in service
        elif name != "migrator":
            assert "test" in service["healthcheck"], name


def test_the_books_of_the_live_stack_outlive_it() -> None:
    """`down --volumes` removes every volume but those that are external."""
    live = read(DEPLOY / "compose.yaml")
    assert live["volumes"]["database"]["external"] is True
    assert "database:/var/lib/postgresql" in services_of("compose.yaml")["db"]["volumes"]
    assert "ports" not in services_of("compose.yaml")["db"]
    assert live["networks"]["inner"] == {"internal": True}


def test_the_two_stacks_differ_by_the_exchange_and_nothing_else_that_counts() -> None:
    live, paper = (services_of(stack) for stack in STACKS)
    assert paper.keys() - live.keys() == {"exchange"}
    assert not live.keys() - paper.keys()
    for name in live:
        same = live[name].keys() - {"depends_on", "env_file", "environment", "networks", "ports", "secrets", "volumes"}
        assert {key: live[name][key] for key in same} == {key: paper[name][key] for key in same}, name
    assert "127.0.0.1:${PAPER_DATABASE_PUBLISHED:-5433}:5432" in paper["db"]["ports"]


def test_the_roles_share_their_settings_so_that_their_configuration_hashes_are_equal() -> None:
    for stack in STACKS:
        services = services_of(stack)
        given = [
            {
                **{name: value for name, value in services[role]["environment"].items() if name != "HEALTH_PORT"},
                "file": services[role]["env_file"],
            }
            for role in ("webhook", "sighook", "reporter")
        ]
        assert given[0] == given[1] == given[2]


def test_the_image_is_built_from_locked_files_in_stages_and_runs_as_nobody_special() -> None:
    """Promise P10, promise P11"""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    build, final = text.partition(" AS build")[2].split("FROM ${PYTHON_IMAGE} AS final")
    commands = re.split(r"&&|\n", build.replace("\\\n", " "))
    installs = [command for command in commands if " install " in command and "--no-index" not in command]
    assert len(installs) == 2
    assert all("--require-hashes" in install and "--only-binary=:all:" in install for install in installs)
    assert " install " not in final.replace("install -d", "")
    users = re.findall(r"^USER (.+)$", final, re.MULTILINE)
    assert users == ["10001:10001"]
    assert "HEALTHCHECK" in final
    assert "ENV BOTTRADER_GIT_SHA=${GIT_SHA}" in final
    for name in ("image", "image-build"):
        locked = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in locked.splitlines() if line and not line.startswith("#")]
        assert lines
        assert all("==" in line and "--hash=sha256:" in line for line in lines)


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    assert {page.stem for page in RUNBOOK.glob("*.md")} == {*names, "README"}
    index = (RUNBOOK / "README.md").read_text(encoding="utf-8")
    for rule in alerts():
        assert rule["annotations"]["runbook"] == f"docs/runbook/{rule['alert']}.md"
        assert f"[{rule['alert']}]({rule['alert']}.md) | {rule['labels']['severity']} |" in index


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_a_page_says_what_to_look_at_and_what_to_do_for_the_rule_as_it_is(rule: dict[str, Any]) -> None:
    page = (RUNBOOK / f"{rule['alert']}.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^## (.+)$", page, re.MULTILINE)) == PARTS
    assert f"Fires when `{rule['expr']}`" in page
    assert page.startswith(f"# {rule['alert']}\n\n{rule['labels']['severity'].capitalize()}. ")
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_a_metric_that_is_asked_for_exists_with_its_labels_and_their_values(place: str, expression: str) -> None:
    used = set(re.findall(r"\bbottrader_\w+", expression))
    assert used or expression.startswith(("up", "count")), place
    assert used <= METRICS.keys()
    of_all = {"service", "instance"}.union(*(METRICS[name] for name in used))
    for grouping in re.findall(r"\b(?:by|on) ?\(([^)]*)\)", expression):
        assert {label.strip() for label in grouping.split(",")} <= of_all
    for name, matchers in re.findall(r"\b(bottrader_\w+)\{([^}]*)\}", expression):
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
            assert label in {"service", *METRICS[name]}
            assert set(values.split("|")) <= VALUES.get((name, label), set(values.split("|")))


def test_the_metrics_are_those_that_the_bot_answers_a_scrape_with() -> None:
    """Names and labels are read from the text that Prometheus would get, with a reading of every figure there is."""
    health = Health("all", True, (), "c", "r", "s", None, "1")
    text = exposition(lambda: health, lambda: [Reading(figure, 1.0, "x") for figure in Figure]).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {sample.name: set(sample.labels) for sample in samples} == METRICS


def test_the_values_of_the_labels_are_those_that_the_bot_uses() -> None:
    assert {
        ("bottrader_signals_total", "answer"): {*Answer},
        ("bottrader_signal_outcomes_total", "outcome"): {*OutcomeKind},
        ("bottrader_orders_total", "outcome"): {*OrderAnswer},
        ("bottrader_notifications_total", "result"): {*Result},
        ("bottrader_report_age_seconds", "period"): {HOURLY, *ReportKind},
    } == VALUES


def test_every_metric_is_seen_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])
    assert [name for name in METRICS if name not in shown] == []


def test_the_dashboard_finds_its_source_and_no_panel_lies_on_another() -> None:
    (source,) = read(DEPLOY / "grafana/datasources/prometheus.yaml")["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        assert panel["datasource"] == {"type": "prometheus", "uid": source["uid"]}
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells


def test_prometheus_asks_each_role_at_its_port() -> None:
    (job,) = read(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"]
    asked = {each["labels"]["service"]: each["targets"] for each in job["static_configs"]}
    for stack in STACKS:
        services = services_of(stack)
        assert asked == {
            role: [f"{role}:{services[role]['environment']['HEALTH_PORT']}"]
            for role in ("webhook", "sighook", "reporter")
        }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus, which is not installed")
def test_prometheus_itself_accepts_the_rules_and_they_fire_when_they_should() -> None:
    subprocess.run(["promtool", "check", "config", "prometheus.yaml"], cwd=DEPLOY / "prometheus", check=True)
    subprocess.run(["promtool", "test", "rules", "alerts_test.yaml"], cwd=ROOT / "tests/system", check=True)

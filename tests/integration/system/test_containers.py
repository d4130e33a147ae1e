"""What is understood of `docker compose`; a script that answers as it does stands in for the engine."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bottrader.adapters.system.containers import Compose
from bottrader.domain.errors import StartupRefused
from bottrader.domain.smoke import SERVICES

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LINE = '2026-03-02T11:59:{}.123456789Z {{"event": "report_written"}}'


class Docker:
    """A `docker` whose answers to `ps` and `logs` are files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = folder / "docker"
        script.write_text(
            f'#!/bin/sh\ncd {folder}\necho "$@" >> asked\n[ -f broken ] && {{ cat broken >&2; exit 1; }}\n'
            'case "$*" in *" ps "*) cat ps;; *) cat logs;; esac\n'
        )
        script.chmod(0o755)
        self.answer([{"Service": name, "State": "running", "Health": ""} for name in SERVICES])
        (folder / "logs").write_text(f"{LINE.format('30')}\n{LINE.format('50')}\n")

    def answer(self, states: list[dict[str, str]], *, one_a_line: bool = True) -> None:
        written = "\n".join(map(json.dumps, states)) if one_a_line else json.dumps(states)
        (self.folder / "ps").write_text(written)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Docker(tmp_path)


@pytest.mark.parametrize("one_a_line", [True, False])
async def test_running_containers_are_up_and_the_newest_line_counts(docker: Docker, *, one_a_line: bool) -> None:
    states = [{"Service": name, "State": "running", "Health": "healthy"} for name in SERVICES]
    docker.answer(states, one_a_line=one_a_line)
    services, log = await Compose(Path("compose.yaml")).look(SERVICES, NOW)
    assert [(each.name, each.is_up) for each in services] == [(name, True) for name in SERVICES]
    assert log.age == timedelta(seconds=10, microseconds=-123456)
    assert log.where == "the containers of compose.yaml"
    assert (docker.folder / "asked").read_text().splitlines()[0] == "compose --file compose.yaml ps --all --format json"


async def test_what_does_not_run_is_told_with_its_state(docker: Docker) -> None:
    """B303"""
    docker.answer(
        [
            {"Service": "webhook", "State": "running", "Health": "unhealthy"},
            {"Service": "sighook", "State": "exited", "Health": ""},
        ]
    )
    services, _ = await Compose(Path("compose.yaml")).look(SERVICES, NOW)
    assert [(each.is_up, each.cause) for each in services] == [
        (False, "running, unhealthy"),
        (False, "exited"),
        (False, "there is none"),
    ]


async def test_containers_that_wrote_nothing_have_no_log(docker: Docker) -> None:
    """B303"""
    (docker.folder / "logs").write_text("no time at its start\n")
    assert (await Compose(Path("compose.yaml")).look(SERVICES, NOW))[1].age is None


async def test_an_engine_that_does_not_answer_is_refused_in_its_words(docker: Docker) -> None:
    (docker.folder / "broken").write_text("a warning\nCannot connect to the Docker daemon\n")
    with pytest.raises(StartupRefused, match=r"compose\.yaml: Cannot connect to the Docker daemon"):
        await Compose(Path("compose.yaml")).look(SERVICES, NOW)


async def test_an_answer_of_an_older_compose_is_refused(docker: Docker) -> None:
    (docker.folder / "ps").write_text("Name  Command  State\n")
    with pytest.raises(StartupRefused, match="version 2 or later"):
        await Compose(Path("compose.yaml")).look(SERVICES, NOW)


async def test_a_machine_without_docker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartupRefused, match="docker cannot be started"):
        await Compose(Path("compose.yaml")).look(SERVICES, NOW)

"""What is understood of Docker; a script that answers as it does stands in for the engine."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bottrader.adapters.system.containers import Compose, see_log_lines
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
            'case "$*" in "ps "*) cat ps;; *webhook*) cat logs >&2;; esac\n'
        )
        script.chmod(0o755)
        self.answer(dict.fromkeys(SERVICES, "Up 3 hours"))
        (folder / "logs").write_text(f"{LINE.format('30')}\n{LINE.format('50')}\n")

    def answer(self, states: dict[str, str]) -> None:
        """Tell of a container for each service, by its status."""
        told = [
            {"Names": f"bot_{name}_1", "Status": status, "Labels": f"a=b,com.docker.compose.service={name},c=d"}
            for name, status in states.items()
        ]
        (self.folder / "ps").write_text("\n".join(map(json.dumps, told)))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Docker(tmp_path)


async def test_running_containers_are_up_and_the_newest_line_counts(docker: Docker) -> None:
    docker.answer(dict.fromkeys(SERVICES, "Up 3 hours (healthy)"))
    services, log = await Compose("bot").look(SERVICES, NOW)
    assert [(each.name, each.is_up) for each in services] == [(name, True) for name in SERVICES]
    assert log.age == timedelta(seconds=10, microseconds=-123456)
    assert log.where == "the containers of bot"
    asked = (docker.folder / "asked").read_text().splitlines()
    assert "label=com.docker.compose.project=bot" in asked[0]
    assert [line.split()[-1] for line in asked[1:]] == [f"bot_{name}_1" for name in SERVICES]


async def test_what_does_not_run_is_told_with_its_state(docker: Docker) -> None:
    """B303"""
    docker.answer({"webhook": "Up 2 minutes (unhealthy)", "sighook": "Exited (1) 5 minutes ago"})
    services, _ = await Compose("bot").look(SERVICES, NOW)
    assert [(each.is_up, each.cause) for each in services] == [
        (False, "Up 2 minutes (unhealthy)"),
        (False, "Exited (1) 5 minutes ago"),
        (False, "there is none"),
    ]


async def test_a_container_that_is_still_starting_is_not_up_yet(docker: Docker) -> None:
    docker.answer({"webhook": "Up 2 seconds (health: starting)"})
    services, _ = await Compose("bot").look(("webhook",), NOW)
    assert services[0].is_up is False


async def test_containers_that_wrote_nothing_have_no_log(docker: Docker) -> None:
    """B303"""
    (docker.folder / "logs").write_text("no time at its start\n")
    assert (await Compose("bot").look(SERVICES, NOW))[1].age is None


def test_of_a_log_that_is_handed_in_the_newest_line_counts_and_lines_without_a_time_do_not() -> None:
    """B303"""
    lines = [
        "2026-03-01T11:59:50.123456789Z older",
        "2026-03-01T11:59:55.500000000Z newest",
        "Traceback (most recent call last):",
    ]
    assert see_log_lines(lines, datetime(2026, 3, 1, 12, tzinfo=UTC)).age == timedelta(seconds=4.5)
    nothing = see_log_lines(["no time"], datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert nothing.age is None
    # Somebody said that it is the log, so there has to be a line.
    assert nothing.is_named


async def test_an_engine_that_does_not_answer_is_refused_in_its_words(docker: Docker) -> None:
    (docker.folder / "broken").write_text("a warning\nCannot connect to the Docker daemon\n")
    with pytest.raises(StartupRefused, match="about bot: Cannot connect to the Docker daemon"):
        await Compose("bot").look(SERVICES, NOW)


async def test_a_machine_without_docker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartupRefused, match="docker cannot be started"):
        await Compose("bot").look(SERVICES, NOW)

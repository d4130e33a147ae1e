"""Each role as a process of its own, asked how it is from outside."""

import json

import aiohttp
import pytest

from tests.fixtures.processes import Bot, eventually


@pytest.mark.parametrize("role", ["sighook", "reporter", "webhook"])
async def test_a_role_alone_answers_on_its_own_port(bot: Bot, role: str) -> None:
    """B264, B305"""
    running = await bot.start(role, git_sha="abc1234")
    port = running.port if role == "webhook" else running.probe_port

    async def text(path: str) -> tuple[int, str]:
        assert running.process.returncode is None, "\n".join(running.lines)
        try:
            async with bot.session.get(f"http://127.0.0.1:{port}/{path}") as response:
                return response.status, await response.text()
        except aiohttp.ClientConnectionError:
            return 0, ""

    async def is_well() -> bool:
        return (await text("health"))[0] == 200

    await eventually(is_well, f"{role} is healthy on port {port}")
    health = json.loads((await text("health"))[1])
    assert (health["role"], health["git_sha"], health["faults"]) == (role, "abc1234", [])
    assert health["tasks"]
    assert all(name.startswith(f"{role}.") for name in health["tasks"])
    assert (await text("ready"))[0] == 200
    status, metrics = await text("metrics")
    assert status == 200
    assert "bottrader_healthy 1.0" in metrics
    assert await running.stop() == 0

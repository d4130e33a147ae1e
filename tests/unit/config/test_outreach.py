"""Addresses of notifications and of the heartbeat: secrets, all of them."""

from pathlib import Path

import pytest

from bottrader.config import load_settings
from bottrader.domain.errors import ConfigInvalid

CANARY = "canary-91ab-token"
URLS = f"tgram://{CANARY}/12345, json://user:{CANARY}@example.org/x"


def test_several_addresses_are_separated_by_commas() -> None:
    settings = load_settings({"notify_urls": URLS}, None)
    assert [url.get_secret_value() for url in settings.notify_urls] == URLS.split(", ")
    assert load_settings({}, None).notify_urls == ()


def test_addresses_are_stars_wherever_settings_are_shown() -> None:
    """E7"""
    settings = load_settings({"notify_urls": URLS, "heartbeat_url": f"https://hc.example.org/{CANARY}"}, None)
    assert CANARY not in f"{settings!r} {settings.shown()}"
    assert settings.shown()["heartbeat_url"] == "**********"


@pytest.mark.parametrize("url", [CANARY, f"ftp://example.org/{CANARY}", f"https:///{CANARY}"])
def test_a_heartbeat_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigInvalid, match="BOTTRADER_HEARTBEAT_URL: a heartbeat address begins with") as refused:
        load_settings({"heartbeat_url": url}, None)
    assert CANARY not in str(refused.value)


def test_a_file_with_an_address_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "bottrader.toml"
    file.write_text(f'[outreach]\nnotify_urls = ["json://{CANARY}"]\n')
    file.chmod(0o644)
    with pytest.raises(ConfigInvalid) as refused:
        load_settings({}, None, file=file)
    assert CANARY not in str(refused.value)
    file.chmod(0o600)
    assert len(load_settings({}, None, file=file).notify_urls) == 1


def test_the_commit_is_no_part_of_the_configuration() -> None:
    """R41: the hash tells of rules; another commit with the same rules shows the same one."""
    hashes = {load_settings({"git_sha": sha}, None).config_hash() for sha in ("abc1234", "unknown")}
    assert len(hashes) == 1
    assert load_settings({"sighook_port": "0"}, None).config_hash() not in hashes

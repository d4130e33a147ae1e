"""Secrets as files: what counts as the secret, what is refused, and that nothing of it is ever repeated."""

from pathlib import Path

import pytest

from bottrader.config import Settings, load_configuration, load_settings, variable_name
from bottrader.config.settings import SECRETS
from bottrader.domain.errors import ConfigInvalid

pytestmark = pytest.mark.component("config_manager")

SECRET = "kept-from-every-eye-0123456789"
VARIABLE = "BOTTRADER_WEBHOOK_SECRET"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_name(name), raising=False)
        monkeypatch.delenv(variable_name(name) + "_FILE", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file that holds the secret, with the newline that an editor writes."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def secret_of(settings: Settings) -> str:
    assert settings.webhook_secret is not None
    return settings.webhook_secret.get_secret_value()


def refusal(env_file: Path | None = None) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(env_file=env_file)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_whole_file_is_the_secret_without_the_newline_at_its_end(
    monkeypatch: pytest.MonkeyPatch, file: Path, end: str
) -> None:
    file.write_bytes(f" {SECRET}\tx{end}".encode())
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    assert secret_of(load_settings(env_file=None)) == f" {SECRET}\tx"


@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_every_secret_may_be_a_file(monkeypatch: pytest.MonkeyPatch, file: Path, secret: str) -> None:
    # The other half of the mail settings, which go together.
    monkeypatch.setenv("BOTTRADER_SMTP_USER", "mail" if secret == "smtp_password" else "")
    monkeypatch.setenv(variable_name(secret) + "_FILE", str(file))
    content = f"https://{SECRET}.example/" if secret.endswith(("_url", "_urls")) else SECRET
    file.write_text(f"{content}\n")
    value = getattr(load_settings(env_file=None), secret)
    several = value if isinstance(value, tuple) else (value,)
    assert [each.get_secret_value() for each in several] == [content]


def test_no_other_setting_may_be_a_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """B281"""
    monkeypatch.setenv("BOTTRADER_SYMBOLS_FILE", str(file))
    assert refusal().startswith("BOTTRADER_SYMBOLS_FILE is no setting")


def test_a_file_beats_what_is_weaker_than_the_environment_and_yields_to_an_option(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    settings_file = tmp_path / "bottrader.toml"
    settings_file.write_text(f'webhook_secret = "{"t" * 30}"\n')
    settings_file.chmod(0o600)
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    profile = {"webhook_secret": "p" * 30}
    assert secret_of(load_settings(profile, None, file=settings_file)) == SECRET
    assert secret_of(load_settings(env_file=None, options={"webhook_secret": "o" * 30})) == "o" * 30


def test_the_origin_is_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    configuration = load_configuration(env_file=None)
    assert configuration.origins["webhook_secret"] == str(file)
    assert SECRET not in str(configuration.settings.shown())


def test_a_file_may_be_named_in_dot_env(file: Path, tmp_path: Path) -> None:
    dot_env = tmp_path / ".env"
    dot_env.write_text(f"{VARIABLE}_FILE={file}\n")
    assert secret_of(load_settings(env_file=dot_env)) == SECRET


def test_both_ways_at_once_are_refused_wherever_they_stand(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    told = f"{VARIABLE} and {VARIABLE}_FILE are both set and are one setting; unset one of them"
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    dot_env = tmp_path / ".env"
    dot_env.write_text(f"{VARIABLE}={SECRET}\n")
    assert refusal(dot_env) == told
    monkeypatch.setenv(VARIABLE, SECRET)
    assert refusal() == told


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path) -> None:
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("DATABASE_URL_FILE", "")
    settings = load_settings(env_file=None)
    assert secret_of(settings) == SECRET
    assert settings.database_url is None
    # Nor does it hide what `.env` says.
    monkeypatch.setenv(f"{VARIABLE}_FILE", "")
    dot_env = tmp_path / ".env"
    dot_env.write_text(f"{VARIABLE}_FILE={file}\n")
    assert secret_of(load_settings(env_file=dot_env)) == SECRET


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n"])
def test_an_empty_file_is_refused(monkeypatch: pytest.MonkeyPatch, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    assert refusal() == f"{VARIABLE}_FILE: the file {file} is empty; write the secret into it"


def test_a_file_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path))
    assert refusal().splitlines() == [
        f"DATABASE_URL_FILE: the file {tmp_path} cannot be read: Is a directory; name a file that this user may read",
        f"{VARIABLE}_FILE: the file {tmp_path / 'absent'} cannot be read: No such file or directory;"
        " name a file that this user may read",
    ]


def test_a_file_that_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_bytes(b"\xff\xfe" + SECRET.encode())
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    assert (
        refusal() == f"{VARIABLE}_FILE: the file {file} is no text in UTF-8; write the secret into it and nothing else"
    )


def test_a_secret_from_a_file_is_judged_like_any_other(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("changeme\n")
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(file))
    assert "a webhook secret has at least 24 characters" in refusal()


def test_the_commit_of_an_image_is_no_setting_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings(env_file=None).config_hash()
    monkeypatch.setenv("BOTTRADER_GIT_SHA", "0123abc")
    assert load_settings(env_file=None).config_hash() == before

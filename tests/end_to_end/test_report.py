"""Reports by command: to files, to a preview, and by mail."""

import asyncio
import csv
import io

from tests.fixtures.command_line import Shell, refused
from tests.fixtures.mail_server import Letterbox, message_in, served

PASSWORD = "canary-7f3a"
MAIL = {"BOTTRADER_REPORT_SENDER": "bot@example.org", "BOTTRADER_REPORT_RECIPIENTS": "a@example.org,b@example.org"}


async def test_a_preview_needs_no_mail_and_writes_one_file(shell: Shell, database_url: str) -> None:
    words = ("report", "weekly", "--preview", "week.html")
    result = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url)

    assert (result.returncode, result.stderr) == (0, "")
    assert "equals the ledger's sum of 0 allocations of version 1 (fifo)." in result.stdout
    assert "Weekly report" in (shell.folder / "week.html").read_text()
    assert [file.name for file in shell.folder.iterdir()] == ["week.html"]


async def test_a_report_is_mailed_with_its_figures(shell: Shell, database_url: str) -> None:
    letterbox = Letterbox()
    async with served(letterbox) as account:
        server = {"BOTTRADER_SMTP_HOST": account.host, "BOTTRADER_SMTP_PORT": str(account.port)}
        words = ("report", "daily", "--send", "--subject", "How it went", "--out", "here")
        settings = {**MAIL, **server, "BOTTRADER_SMTP_TLS": "none", "DATABASE_URL": database_url}
        result = await asyncio.to_thread(lambda: shell.run(*words, **settings))

    assert (result.returncode, result.stderr) == (0, "")
    assert "mailed to 2 recipients" in result.stdout
    message = message_in(letterbox)
    assert (message["Subject"], message["To"]) == ("How it went", "a@example.org, b@example.org")
    (attached,) = message.iter_attachments()
    rows = list(csv.reader(io.StringIO(attached.get_content())))
    assert ["Key metrics", "", "Realized P&L", "0", "signed money"] in rows
    assert sorted(file.suffix for file in (shell.folder / "here").iterdir()) == [".csv", ".html", ".txt"]


async def test_a_mail_that_cannot_be_sent_is_told_without_the_password(shell: Shell, database_url: str) -> None:
    """E7: the files are there all the same."""
    login = {"BOTTRADER_SMTP_USER": "bot", "BOTTRADER_SMTP_PASSWORD": PASSWORD}
    async with served(Letterbox()) as account:
        server = {"BOTTRADER_SMTP_HOST": account.host, "BOTTRADER_SMTP_PORT": str(account.port)}
        settings = {**MAIL, **server, **login, "DATABASE_URL": database_url}
        result = await asyncio.to_thread(lambda: shell.run("report", "daily", "--send", **settings))

    assert result.returncode == 1
    assert "the report was not mailed: 127.0.0.1" in result.stderr
    assert PASSWORD not in result.stdout + result.stderr
    assert len(list((shell.data_dir / "reports").iterdir())) == 3


def test_sending_without_a_mail_server_is_refused(shell: Shell) -> None:
    said = refused(shell.run("report", "daily", "--send"))
    assert "no mail server is set" in said
    assert not shell.data_dir.exists()


def test_a_subject_is_one_line(shell: Shell) -> None:
    assert "one line" in refused(shell.run("report", "daily", "--subject", "a\nBcc: b@example.org"))

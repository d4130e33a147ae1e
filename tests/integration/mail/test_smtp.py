"""Sending through a real mail server on this machine, and through one that misbehaves at every step of the dialogue."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from bottrader.adapters.mail.smtp import Encryption, SmtpAccount, SmtpMailer
from bottrader.ports import Attachment, Mail, MailReceipt, ReportOutcome
from tests.fixtures.mail_server import Letterbox, message_in, served
from tests.fixtures.tls import certificate_files

PASSWORD = "canary-pässwörd-7f3a"
SENT_AT = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
MAIL = Mail(
    message_id="<daily-0123456789abcdef@example.org>",
    subject="BotTrader daily report: −3.39 USD",
    text="Realized P&L: −3.39\n" + "x" * 2000 + "\n.\nafter a dot\n",
    html="<!doctype html><p>−3.39</p>",
    sent_at=SENT_AT,
    attachments=(Attachment("daily.csv", "text/csv", "section,value\r\nKey,−1\r\n"),),
)


async def sent(letterbox: Letterbox, **changes: Any) -> MailReceipt:
    async with served(letterbox) as account:
        return await SmtpMailer(replace(account, **changes)).send(MAIL)


async def test_a_mail_arrives_with_text_page_and_figures() -> None:
    letterbox = Letterbox()
    receipt = await sent(letterbox, recipients=("a@example.org", "b@example.org"))
    assert receipt == MailReceipt(ReportOutcome.SENT)
    (envelope,) = letterbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bot@example.org", ["a@example.org", "b@example.org"])
    message = message_in(letterbox)
    assert message["Message-ID"] == MAIL.message_id
    assert message["Subject"] == MAIL.subject
    assert message["To"] == "a@example.org, b@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == SENT_AT
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().strip() == MAIL.html
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("daily.csv", "text/csv")
    assert attached.get_content() == MAIL.attachments[0].content
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()


async def test_the_others_get_it_when_one_is_refused() -> None:
    letterbox = Letterbox(refused={"b@example.org": "550 no such user"})
    receipt = await sent(letterbox, recipients=("a@example.org", "b@example.org"))
    assert receipt.outcome is ReportOutcome.SENT
    assert receipt.refused_recipients == ("b@example.org",)
    assert "550 no such user" in receipt.detail
    assert letterbox.envelopes[0].rcpt_tos == ["a@example.org"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (("550 no such user", "551 moved"), ReportOutcome.REFUSED),
        (("550 no such user", "450 come back later"), ReportOutcome.UNREACHABLE),
    ],
)
async def test_when_all_are_refused_it_is_over_unless_one_may_be_taken_later(
    answers: tuple[str, str], outcome: ReportOutcome
) -> None:
    letterbox = Letterbox(refused=dict(zip(("a@example.org", "b@example.org"), answers, strict=True)))
    receipt = await sent(letterbox, recipients=("a@example.org", "b@example.org"))
    assert receipt.outcome is outcome
    assert set(receipt.refused_recipients) == {"a@example.org", "b@example.org"}
    assert letterbox.envelopes == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("554 this sender is not verified", ReportOutcome.REFUSED), ("451 try again", ReportOutcome.UNREACHABLE)],
)
async def test_a_refused_sender_is_told_with_the_servers_words(answer: str, outcome: ReportOutcome) -> None:
    receipt = await sent(Letterbox(answer_to_sender=answer))
    assert receipt.outcome is outcome
    assert answer[4:] in receipt.detail


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("552 too large", ReportOutcome.REFUSED), ("452 disk full", ReportOutcome.UNREACHABLE)],
)
async def test_an_answer_to_the_text_that_is_no_yes_means_that_it_was_not_taken(
    answer: str, outcome: ReportOutcome
) -> None:
    async def refuse(_: SMTP) -> str:
        return answer

    assert (await sent(Letterbox(at_data=refuse))).outcome is outcome


async def test_a_connection_that_ends_after_the_text_leaves_the_outcome_unknown() -> None:
    """The server has the mail, and its answer is lost."""

    async def vanish(server: SMTP) -> str:
        assert isinstance(server.transport, asyncio.WriteTransport)
        server.transport.abort()
        return "250 OK"

    letterbox = Letterbox(at_data=vanish)
    receipt = await sent(letterbox)
    assert receipt.outcome is ReportOutcome.UNKNOWN
    assert len(letterbox.envelopes) == 1


async def test_a_server_that_is_slow_to_answer_the_text_leaves_the_outcome_unknown() -> None:
    released = asyncio.Event()

    async def dawdle(_: SMTP) -> str:
        await released.wait()
        return "250 OK"

    receipt = await sent(Letterbox(at_data=dawdle), timeout_s=0.3)
    released.set()
    assert receipt.outcome is ReportOutcome.UNKNOWN


@asynccontextmanager
async def raw_server(greet: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def account_at(port: int, **changes: Any) -> SmtpAccount:
    account = SmtpAccount("127.0.0.1", port, Encryption.NONE, "bot@example.org", ("a@example.org",), timeout_s=0.3)
    return replace(account, **changes)


async def test_a_server_that_never_greets_takes_no_longer_than_the_limit() -> None:
    """D12: a black hole costs the reporter its time limit, and nobody else anything."""
    over = asyncio.Event()

    async def stay_silent(writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with raw_server(stay_silent) as port:
        async with asyncio.timeout(5):
            receipt = await SmtpMailer(account_at(port)).send(MAIL)
        over.set()
    assert receipt.outcome is ReportOutcome.UNREACHABLE


async def test_a_server_that_greets_with_a_refusal_is_tried_again() -> None:
    async def refuse(writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 not today\r\n")
        await writer.drain()
        writer.close()

    async with raw_server(refuse) as port:
        assert (await SmtpMailer(account_at(port)).send(MAIL)).outcome is ReportOutcome.UNREACHABLE


async def test_nobody_listening_is_unreachable() -> None:
    async with raw_server(lambda _: asyncio.sleep(0)) as port:
        pass
    receipt = await SmtpMailer(account_at(port)).send(MAIL)
    assert receipt.outcome is ReportOutcome.UNREACHABLE
    assert receipt.detail.startswith("127.0.0.1: ")


async def test_starttls_does_not_go_on_in_the_clear() -> None:
    """A server, or somebody in between, that offers no TLS gets neither password nor mail."""
    letterbox = Letterbox()
    receipt = await sent(letterbox, encryption=Encryption.STARTTLS, user="bot", password=PASSWORD)
    assert receipt.outcome is ReportOutcome.UNREACHABLE
    assert letterbox.envelopes == []


@pytest.mark.parametrize("encryption", [Encryption.STARTTLS, Encryption.IMPLICIT])
async def test_a_certificate_that_nobody_signed_is_not_trusted(
    encryption: Encryption, tmp_path_factory: pytest.TempPathFactory
) -> None:
    letterbox = Letterbox()
    context = tls_context(tmp_path_factory)
    is_implicit = encryption is Encryption.IMPLICIT
    options = {} if is_implicit else {"tls_context": context}
    async with served(letterbox, tls=context if is_implicit else None, **options) as account:
        receipt = await SmtpMailer(replace(account, encryption=encryption)).send(MAIL)
    assert receipt.outcome is ReportOutcome.UNREACHABLE
    assert letterbox.envelopes == []


def tls_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    certificate, key = certificate_files(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def trusted_server(
    letterbox: Letterbox,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    authenticate: Callable[..., AuthResult],
) -> AsyncIterator[SmtpAccount]:
    """Serve with STARTTLS and a login, under a certificate that this process trusts."""
    certificate, key = certificate_files(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    options: dict[str, Any] = {"tls_context": context, "authenticator": authenticate, "auth_required": True}
    async with served(letterbox, **options) as account:
        yield replace(account, encryption=Encryption.STARTTLS, user="bot", password=PASSWORD)


async def test_a_login_goes_through_tls(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        seen.append(data.password)
        return AuthResult(success=True)

    letterbox = Letterbox()
    async with trusted_server(letterbox, tmp_path_factory, monkeypatch, authenticate) as account:
        receipt = await SmtpMailer(account).send(MAIL)
    assert receipt == MailReceipt(ReportOutcome.SENT)
    assert seen == [PASSWORD.encode()]
    assert message_in(letterbox)["Message-ID"] == MAIL.message_id


async def test_a_refused_login_can_be_mended_and_tells_no_password(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E7: a server that repeats what it was sent does not get it into the log."""

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, _data: Any) -> AuthResult:
        said = f"535 wrong: {PASSWORD.encode('ascii', 'replace').decode()}"
        return AuthResult(success=False, handled=False, message=said)

    async with trusted_server(Letterbox(), tmp_path_factory, monkeypatch, authenticate) as account:
        receipt = await SmtpMailer(account).send(MAIL)
        assert PASSWORD not in repr(account)
    assert receipt.outcome is ReportOutcome.UNREACHABLE
    assert "refused the login (535)" in receipt.detail
    assert "canary" not in repr(receipt)


async def test_a_server_that_repeats_the_password_later_does_not_get_it_into_the_log() -> None:
    """E7"""
    plain = "canary-7f3a"
    encoded = base64.b64encode(plain.encode()).decode()
    both = base64.b64encode(f"\0bot\0{plain}".encode()).decode()
    letterbox = Letterbox(answer_to_sender=f"550 {plain} {encoded} {both}")
    receipt = await sent(letterbox, password=plain, user=None)
    assert receipt.outcome is ReportOutcome.REFUSED
    assert plain not in receipt.detail
    assert encoded not in receipt.detail
    assert "***" in receipt.detail

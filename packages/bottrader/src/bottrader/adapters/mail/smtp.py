"""The `Mailer` over SMTP: any mail server, Amazon SES among them (see ADR 15).

What is known of a mail depends on how far the dialogue came (RFC 5321, section 4.2.5): before its text was handed over
it certainly did not leave; once the server answered 250 to the text it is the server's; in between nobody knows.
A code 4yz asks to try again, 5yz says that trying again would change nothing.
"""

import asyncio
import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum

import aiosmtplib

from bottrader.ports import Mail, MailReceipt, ReportOutcome

# Lines end in CRLF, and every byte fits into seven bits, which any server takes.
_POLICY = SMTP.clone(cte_type="7bit")
_PERMANENT = 500
_DETAIL_LENGTH_MAX = 200


class Encryption(StrEnum):
    """STARTTLS refuses to go on in the clear; certificates are checked in both."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """A mail server and who sends through it; `password` appears in no text of this object."""

    host: str
    port: int
    encryption: Encryption
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    """For the whole dialogue."""


class SmtpMailer:
    """Sends through one account; see `ports.Mailer`."""

    def __init__(self, account: SmtpAccount) -> None:
        self.account = account

    async def send(self, mail: Mail) -> MailReceipt:
        dialogue = _Dialogue(self.account, _message(mail, self.account))
        try:
            async with asyncio.timeout(self.account.timeout_s):
                return await dialogue.hold()
        except TimeoutError:
            return dialogue.broken(f"no answer within {self.account.timeout_s:g} s")
        except (aiosmtplib.SMTPException, OSError) as error:
            return dialogue.broken(type(error).__name__)
        finally:
            dialogue.close()


class _Dialogue:
    """One connection and one mail; `is_handed_over` from the moment its text may have left."""

    def __init__(self, account: SmtpAccount, message: EmailMessage) -> None:
        self._account = account
        self._message = message
        self._client = aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            use_tls=account.encryption is Encryption.IMPLICIT,
            start_tls=account.encryption is Encryption.STARTTLS,
            username=account.user,
            password=account.password,
            timeout=account.timeout_s,
        )
        self.is_handed_over = False

    async def hold(self) -> MailReceipt:
        account = self._account
        try:
            await self._client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            # Its text may repeat what was sent. A wrong password can be mended, so this is not final.
            return MailReceipt(ReportOutcome.UNREACHABLE, f"{account.host} refused the login ({error.code})")
        try:
            await self._client.mail(account.sender)
            refused = await self._offer_recipients()
            if len(refused) == len(account.recipients):
                return self._refused_by_all(refused)
            self.is_handed_over = True
            await self._client.data(self._message.as_bytes(policy=_POLICY))
        except aiosmtplib.SMTPResponseException as error:
            # An answer, whatever it says, means that the server did not take the mail.
            return self._answered(error.code, error.message)
        with suppress(aiosmtplib.SMTPException, OSError):
            await self._client.quit()
        names = tuple(recipient for recipient, _, _ in refused)
        detail = "; ".join(f"{recipient}: {code} {text}" for recipient, code, text in refused)
        return MailReceipt(ReportOutcome.SENT, self._said(detail), names)

    async def _offer_recipients(self) -> list[tuple[str, int, str]]:
        """Return who was refused, with code and text."""
        refused = []
        for recipient in self._account.recipients:
            try:
                await self._client.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                refused.append((recipient, error.code, error.message))
        return refused

    def _refused_by_all(self, refused: Sequence[tuple[str, int, str]]) -> MailReceipt:
        # One that may be taken later is worth another try.
        code = min(code for _, code, _ in refused)
        receipt = self._answered(code, "; ".join(f"{recipient}: {code} {text}" for recipient, code, text in refused))
        return MailReceipt(receipt.outcome, receipt.detail, tuple(recipient for recipient, _, _ in refused))

    def _answered(self, code: int, text: str) -> MailReceipt:
        outcome = ReportOutcome.REFUSED if code >= _PERMANENT else ReportOutcome.UNREACHABLE
        return MailReceipt(outcome, self._said(f"{self._account.host} answered {code}: {text}"))

    def broken(self, cause: str) -> MailReceipt:
        """Return what is known when the dialogue broke off."""
        outcome = ReportOutcome.UNKNOWN if self.is_handed_over else ReportOutcome.UNREACHABLE
        return MailReceipt(outcome, f"{self._account.host}: {cause}")

    def close(self) -> None:
        self._client.close()

    def _said(self, text: str) -> str:
        """Return a server's words on one line, without the password, should it repeat that."""
        said = " ".join(text.split())
        password, user = self._account.password, self._account.user
        if password is not None:
            for secret in (
                password,
                base64.b64encode(password.encode()).decode(),
                base64.b64encode(f"\0{user}\0{password}".encode()).decode(),
            ):
                said = said.replace(secret, "***")
        return said[:_DETAIL_LENGTH_MAX]


def _message(mail: Mail, account: SmtpAccount) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = account.sender
    message["To"] = ", ".join(account.recipients)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.sent_at)
    message["Message-ID"] = mail.message_id
    # An answering machine stays silent to what a machine sent (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content.encode(), main, sub, filename=attachment.name, params={"charset": "utf-8"}
        )
    return message

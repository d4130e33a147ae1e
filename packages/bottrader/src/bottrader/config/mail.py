"""Where reports are sent, and through which mail server."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from bottrader.config.fields import MailAddress, MailAddresses, SettingsGroup, Unset
from bottrader.domain.errors import ConfigInvalid


class MailTls(StrEnum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def _one_line(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value() or any(sign in secret.get_secret_value() for sign in "\r\n\0"):
        raise ValueError("a password is one line and not empty")
    return secret


class MailSettings(SettingsGroup):
    """Mail of reports; without a host they are written to the data folder only. Amazon SES is such a host."""

    report_sender: Annotated[MailAddress | None, Unset] = Field(None, description="address that reports come from")
    report_recipients: MailAddresses = Field((), description="addresses that reports go to, separated by commas")
    smtp_host: Annotated[str | None, Unset] = Field(
        None, description="mail server; for Amazon SES email-smtp.REGION.amazonaws.com"
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="port of the mail server; 465 goes with implicit TLS")
    smtp_tls: MailTls = Field(MailTls.STARTTLS, description="starttls, implicit, or none for a server on this machine")
    smtp_user: Annotated[str | None, Unset] = Field(None, description="user at the mail server; SES has its own")
    smtp_password: Annotated[Annotated[SecretStr, AfterValidator(_one_line)] | None, Unset] = Field(
        None, description="password at the mail server"
    )
    smtp_timeout_s: int = Field(30, gt=0, description="seconds that sending a mail may take")

    def check_mail(self) -> None:
        """Raise `ConfigInvalid` when mail is set up by halves, or a password would travel in the clear."""
        needed = {
            "BOTTRADER_SMTP_HOST": self.smtp_host,
            "BOTTRADER_REPORT_SENDER": self.report_sender,
            "BOTTRADER_REPORT_RECIPIENTS": self.report_recipients,
        }
        absent = [name for name, value in needed.items() if not value]
        if absent and len(absent) < len(needed):
            raise ConfigInvalid(f"reports cannot be sent without {' and '.join(absent)}; set all three or none")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ConfigInvalid("BOTTRADER_SMTP_USER and BOTTRADER_SMTP_PASSWORD go together; set both or none")
        if self.smtp_password is not None and self.smtp_tls is MailTls.NONE:
            raise ConfigInvalid(
                "BOTTRADER_SMTP_TLS is none, and BOTTRADER_SMTP_PASSWORD would travel in the clear; use starttls or"
                " implicit"
            )

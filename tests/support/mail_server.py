"""A mail server that keeps its mails, on a free port of this machine."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.processes import free_port


class MailServer:
    """Take mails in for the length of a `with` block."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> Self:
        """Listen."""
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._controller.stop()

    @property
    def connection(self) -> dict[str, Any]:
        """Return an Airflow connection to it."""
        plain = {"disable_ssl": True, "disable_tls": True}
        return {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": plain}

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        content = envelope.original_content or b""
        mail = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
        self.mails.append(mail)
        return "250 OK"


def text_of(mail: EmailMessage) -> str:
    """Return the HTML of a mail.

    :param mail: the mail.
    """
    body = mail.get_body(("html",))
    if body is None:
        raise AssertionError(f"the mail has no HTML:\n{mail}")
    return str(body.get_content())

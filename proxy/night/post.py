"""One letter to the post office: plain text, bounded in time.

Laws of this file: a letter holds no secret and no link but to the site's own front; the password is read from a file
that nobody else may read, and stands in no log; a foreign fault ends here.
"""

from __future__ import annotations

import logging
import stat
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from policies.frozen import Frozen
from policies.model import Mail

logger = logging.getLogger("tropa.night")

_WITHIN_S = 30.0


class Letter(Frozen, frozen=True, kw_only=True):
    """to: addresses, each gets one of its own."""

    to: str
    subject: str
    text: str


class NotSent(Exception):
    """The post office didn't take it. lasting: trying again is no use."""

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(why)
        self.lasting = lasting


async def send(letter: Letter, mail: Mail) -> None:
    """Raises NotSent."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    message.set_content(letter.text)
    try:
        await aiosmtplib.send(
            message,
            hostname=mail.host,
            port=mail.port,
            username=mail.user,
            password=_password(mail),
            use_tls=mail.tls == "tls",
            start_tls=mail.tls == "starttls",
            timeout=_WITHIN_S,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise NotSent("the address is refused", lasting=all(one.code >= 500 for one in error.recipients)) from error
    except aiosmtplib.SMTPAuthenticationError as error:
        raise NotSent("the post office refuses the login") from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        raise NotSent(type(error).__name__) from error


def _password(mail: Mail) -> str | None:
    """Raises NotSent where it can't be read."""
    if mail.password_file is None:
        return None
    path = Path(mail.password_file)
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise NotSent("others may read the password's file: chmod 600 it")
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise NotSent(f"the password's file can't be read: {error.strerror}") from error

"""The few errors of the data path, each saying whose fault it is, what to answer and whether a retry may help.

Law: foreign exceptions (aiohttp's, OSError, ssl) are mapped to these at the edge where they arise and never
travel further in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Whose fault it is, in the words of the log and of `tropa why`."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    LINK = "link"
    OPERATOR = "operator"
    TROPA = "tropa"


@dataclass(eq=False)
class ExchangeError(Exception):
    """An exchange that can't be answered by the origin's own bytes.

    code      stable word for log, metrics and the page's text: "upstream-unreachable", "request-malformed" …
    status    HTTP status for the client
    detail    for IT staff only: never shown to learners
    """

    code: str
    status: int
    fault: Fault
    detail: str = ""
    retry_after_s: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


def bad_request(code: str, detail: str = "") -> ExchangeError:
    return ExchangeError(code, 400, Fault.CLIENT, detail)


def refused_target(detail: str) -> ExchangeError:
    """The target is not one that this proxy may reach (SSRF guard, ports, loops)."""
    return ExchangeError("target-refused", 403, Fault.CLIENT, detail)


def upstream_unreachable(detail: str) -> ExchangeError:
    return ExchangeError("upstream-unreachable", 502, Fault.UPSTREAM, detail, retry_after_s=60)


def upstream_timeout(detail: str) -> ExchangeError:
    return ExchangeError("upstream-timeout", 504, Fault.UPSTREAM, detail, retry_after_s=60)


def upstream_certificate(detail: str) -> ExchangeError:
    return ExchangeError("upstream-certificate", 502, Fault.UPSTREAM, detail)


def upstream_malformed(detail: str) -> ExchangeError:
    return ExchangeError("upstream-malformed", 502, Fault.UPSTREAM, detail)


def upstream_name(detail: str) -> ExchangeError:
    return ExchangeError("upstream-name", 502, Fault.UPSTREAM, detail, retry_after_s=60)


def overloaded(detail: str) -> ExchangeError:
    return ExchangeError("overloaded", 503, Fault.TROPA, detail, retry_after_s=20)


def loop_detected(detail: str) -> ExchangeError:
    """RFC 9110 section 7.6.3: our own pseudonym is already in Via."""
    return ExchangeError("loop-detected", 508, Fault.OPERATOR, detail)

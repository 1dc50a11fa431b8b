"""Requests as a mode hands them on, without a wire."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp.test_utils import make_mocked_request

from policies.model import Origin
from policies.values import Mode
from proxy.exchange import ClientAddress, Inbound
from tests.builders import an_origin

LMS = an_origin()
PAGE_HEADERS = {"Sec-Fetch-Dest": "document", "Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}


def an_inbound(
    target: str = "/course/view.php",
    *,
    address: str = "10.41.0.5",
    trusted: bool = False,
    listener: str = "main",
    scheme: str = "https",
    origin: Origin | None = LMS,
    mode: Mode = Mode.REVERSE,
    method: str = "GET",
    **headers: str,
) -> Inbound:
    """Header names are written with underscores."""
    head = {name.replace("_", "-"): value for name, value in headers.items()}
    return Inbound(
        request=make_mocked_request(method, target, headers=head),
        mode=mode,
        scheme=scheme,
        host="lms.example.org",
        port=443 if scheme == "https" else 80,
        target=target,
        origin=origin,
        client=ClientAddress(address=ip_address(address), peer=ip_address(address), trusted=trusted),
        listener=listener,
    )

"""The forms of Tropa's own pages, read within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs

from proxy.errors import bad_request
from proxy.stages.context import Exchange

_MAX_FORM_BYTES = 16384
_FORM_S = 60.0


async def read_form(exchange: Exchange) -> Mapping[str, str]:
    """The first value of each field. Raises ExchangeError for one that is too slow, too large or malformed."""
    request = exchange.inbound.request
    try:
        async with asyncio.timeout(_FORM_S):
            body = await request.content.read(_MAX_FORM_BYTES + 1)
            while len(body) <= _MAX_FORM_BYTES and (more := await request.content.read(_MAX_FORM_BYTES)):
                body += more
    except TimeoutError as error:
        raise bad_request("form-too-slow") from error
    if len(body) > _MAX_FORM_BYTES:
        raise bad_request("form-too-large")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise bad_request("form-malformed", str(error)) from error
    return {name: values[0] for name, values in fields.items()}

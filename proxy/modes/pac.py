"""The proxy configuration (PAC) that browsers fetch: course hosts through the explicit proxy, the rest as configured.

Laws: ECMAScript 3 and nothing that a browser must supply, since old Windows reads it with an engine of 1999; ASCII
only; no word of a request gets into it but a checked address; nothing of this machine's own network goes through the
proxy, which would refuse it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from ipaddress import IPv6Address

from policies.model import Catalogue, Listener, Territory

CONTENT_TYPE = "application/x-ns-proxy-autoconfig"

_SCRIPT = """// {note}
var WAY = {way};
var OTHERS = {others};
var NAMES = {names};
var BELOW = {below};

function local(host) {{
  return host.indexOf(".") < 0 && host.indexOf(":") < 0 ||
    /^(localhost|.*\\.(localhost|local|internal))$/.test(host) ||
    /^(0|10|127)\\.[0-9.]+$|^(169\\.254|192\\.168|172\\.(1[6-9]|2[0-9]|3[01]))\\.[0-9.]+$/.test(host) ||
    /^(100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\\.[0-9.]+$/.test(host) ||
    /^(::1?$|f[cd][0-9a-f]*:|fe[89ab][0-9a-f]:)/.test(host);
}}

function listed(host) {{
  if (NAMES.hasOwnProperty(host)) return true;
  for (var dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {{
    if (BELOW.hasOwnProperty(host.substring(dot + 1))) return true;
  }}
  return false;
}}

function FindProxyForURL(url, host) {{
  host = String(host).toLowerCase().replace(/^\\[|\\]$/g, "").replace(/\\.$/, "");
  if (!/^(https?|wss?):/i.test(url)) return "DIRECT";
  if (listed(host)) return WAY;
  return local(host) ? "DIRECT" : OTHERS;
}}
"""
_ADDRESS = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")


def pac_file(catalogue: Catalogue, territory: Territory, proxy_address: str, *, secure: bool = False) -> str:
    """The PAC for learners of a place.

    proxy_address  host:port as their browsers reach it
    secure         the proxy itself speaks TLS
    Raises: ValueError for an address that is none.
    """
    match = _ADDRESS.fullmatch(proxy_address)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise ValueError(f"expected an address like proxy.example.org:3128, got {proxy_address!r}")
    settings = catalogue.settings.pac
    way = f"{'HTTPS' if secure else 'PROXY'} {proxy_address}"
    if settings.fail == "open":
        way += "; DIRECT"
    hosts = course_hosts(catalogue, territory)
    place = territory.region if territory.site is None else f"{territory.region}/{territory.site}"
    return _SCRIPT.format(
        note=f"Tropa, {place}: made from the policy, don't edit",
        way=json.dumps(way),
        others=json.dumps(way if settings.others == "proxy" else "DIRECT"),
        names=_set(host for host in hosts if not host.startswith("*.")),
        below=_set(host.removeprefix("*.") for host in hosts if host.startswith("*.")),
    )


def course_hosts(catalogue: Catalogue, territory: Territory) -> frozenset[str]:
    """The hosts that the place's policy says something of: those of all origins, and of the place's exceptions."""
    origins = {host for origin in catalogue.origins.values() for host in origin.hosts}
    excepted = {exception.host for exception in territory.exceptions if exception.host is not None}
    return frozenset(origins | excepted)


def proxy_address_of(catalogue: Catalogue, territory: Territory) -> tuple[str, bool] | None:
    """(host:port, whether it speaks TLS) that browsers of a place can be told without asking anybody.

    What is configured; else the forward listener of the place's region, or the only one. None: there is none, or it
    listens on every address, so its name isn't known.
    """
    forwards = [listener for listener in catalogue.settings.listeners if listener.mode == "forward"]
    of_region = [listener for listener in forwards if listener.region == territory.region]
    chosen = (of_region or forwards)[:1] if of_region or len(forwards) == 1 else []
    secure = any(listener.tls_certificate is not None for listener in chosen or forwards)
    if catalogue.settings.pac.proxy_address is not None:
        return catalogue.settings.pac.proxy_address, secure
    if not chosen or chosen[0].host in ("0.0.0.0", "::") or chosen[0].port == 0:  # noqa: S104 - compared, not bound
        return None
    return _authority(chosen[0]), secure


def _authority(listener: Listener) -> str:
    host = f"[{listener.host}]" if ":" in listener.host and IPv6Address(listener.host) else listener.host
    return f"{host}:{listener.port}"


def _set(names: Iterable[str]) -> str:
    """An object whose own properties are the names; hasOwnProperty as a name is out of the question (RFC 952)."""
    return "{" + ", ".join(f"{json.dumps(name)}: 1" for name in sorted(set(names))) + "}"

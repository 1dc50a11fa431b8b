"""What can be read but can hardly be meant.

Laws of this file: it looks at what is compiled and changes nothing; whatever somebody might mean is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from policies.compile.reach import Reached
from policies.compile.spot import Spot
from policies.faults import FaultList
from policies.model import IPNetwork, Origin, Settings
from policies.yaml_marks import MarkedMap


def warn_of_suspicions(
    root: MarkedMap,
    origins: Mapping[str, Origin],
    written_origins: Mapping[str, MarkedMap],
    reached: Sequence[Reached],
    settings: Settings,
    faults: FaultList,
) -> None:
    _warn_of_nothing_served(root, settings, faults)
    if settings.upstream_proxy is None:  # else that one looks the address up and connects
        _warn_of_closed_upstreams(origins, written_origins, faults)
    _warn_of_believed_learners(root, reached, settings, faults)


def _warn_of_nothing_served(root: MarkedMap, settings: Settings, faults: FaultList) -> None:
    forward = any(listener.mode == "forward" for listener in settings.listeners)
    if not root.get("origins") and not forward:
        faults.warn(root.mark.fault("there is no origin, so nothing can be reached", "add origins: with your LMS"))
    if not settings.listeners:
        cure = "add tropa: {listeners: {front: {mode: reverse, listen: 127.0.0.1:8101}}}"
        faults.warn(root.mark.fault("there is no listener, so nobody can come", cure))


def _warn_of_closed_upstreams(
    origins: Mapping[str, Origin], written: Mapping[str, MarkedMap], faults: FaultList
) -> None:
    for name, origin in origins.items():
        host = urlsplit(origin.upstream).hostname if origin.upstream else None
        if host is not None and not origin.allow_private and _is_closed(host):
            problem = f"{host} is a private address, and Tropa connects to public ones only"
            Spot(written[name], faults, ("upstream",)).warn(
                problem, "if it is your own server, add allow_private: true"
            )


def _is_closed(host: str) -> bool:
    """Of addresses as they are written; what a name stands for is known only when it is looked up."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def _warn_of_believed_learners(
    root: MarkedMap, reached: Sequence[Reached], settings: Settings, faults: FaultList
) -> None:
    """A single address may well be a front that stands in its region's network."""
    for index, believed in enumerate(settings.trusted_proxies):
        if believed.num_addresses == 1:
            continue
        place = next((item for item in reached if _overlap(believed, item.territory.networks)), None)
        if place is not None:
            problem = (
                f"learners of {place.name} come from inside {believed}, and any of them could name another's address"
            )
            Spot(root, faults, ("tropa", "trusted_proxies", index)).warn(problem, "write the front's own address alone")


def _overlap(network: IPNetwork, others: Iterable[IPNetwork]) -> bool:
    return any(network.version == other.version and network.overlaps(other) for other in others)

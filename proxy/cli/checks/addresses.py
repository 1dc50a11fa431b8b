"""Remote addresses: how Tropa learns the learner's, and how the origin does."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from policies.model import Catalogue, LearnerAddress, Listener
from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine

_WIDE_PREFIX = {4: 16, 6: 48}  # a list of fronts this wide surely holds learners too


def addresses(subject: Subject) -> Iterator[Finding]:
    found = [*_trusted(subject.catalogue), *_behind_a_front(subject.catalogue), *_open_proxy(subject.catalogue)]
    found += _told_to_origins(subject.catalogue)
    yield from found or [
        fine(
            "addresses", "адреса слушателей доходят как надо", "the learners' addresses are passed on as they should be"
        )
    ]


def _trusted(catalogue: Catalogue) -> Iterator[Finding]:
    settings = catalogue.settings
    for network in settings.trusted_proxies:
        learners = [
            f"{place.region}/{place.site}" if place.site else place.region
            for place in catalogue.territories.values()
            if any(network.version == own.version and own.subnet_of(network) for own in place.networks)  # type: ignore[arg-type]
        ]
        wide = network.prefixlen < _WIDE_PREFIX[network.version] and not network.is_loopback
        if learners or wide:
            told = ", ".join(learners[:3]) or "—"
            yield broken(
                "addresses",
                (f"trusted_proxies {network} накрывает слушателей ({told}): любой подделает адрес и регион",
                 f"trusted_proxies {network} covers learners ({told}): any of them can forge an address and a region"),
                ("перечислите только адреса своих серверов", "list the addresses of your fronts only"),
            )  # fmt: skip
    headers = settings.trusted_headers
    if any((headers.region, headers.site, headers.learner, headers.groups)) and not settings.trusted_proxies:
        yield doubtful(
            "addresses",
            ("trusted_headers заданы, но верить некому", "trusted_headers are set, but nobody is trusted to send them"),
            ("добавьте адрес сервера в trusted_proxies", "list the front that sends them in trusted_proxies"),
        )


def _behind_a_front(catalogue: Catalogue) -> Iterator[Finding]:
    """A reverse listener on loopback has a front before it; unbelieved, everybody comes from the front."""
    if not any(place.networks for place in catalogue.territories.values()):
        return
    for listener in catalogue.settings.listeners:
        if listener.mode == "reverse" and _is_local(listener) and not _knows(catalogue, listener):
            yield doubtful(
                "addresses",
                (f"{listener.name}: сервер перед Tropa не в trusted_proxies, сети регионов не узнать",
                 f"{listener.name}: the front before it isn't in trusted_proxies, so networks tell no region"),
                ("добавьте trusted_proxies: [127.0.0.1] или назовите регион слушателя",
                 "add trusted_proxies: [127.0.0.1], or name the listener's region"),
            )  # fmt: skip


def _knows(catalogue: Catalogue, listener: Listener) -> bool:
    """Whether the place of who comes in there is known without headers."""
    by_place = any(listener.name in place.listeners for place in catalogue.territories.values())
    local = ip_address("127.0.0.1")
    believed = any(network.version == 4 and local in network for network in catalogue.settings.trusted_proxies)
    return listener.region is not None or by_place or believed or bool(listener.proxy_protocol_from)


def _is_local(listener: Listener) -> bool:
    try:
        return ip_address(listener.host).is_loopback
    except ValueError:
        return listener.host == "localhost"


def _open_proxy(catalogue: Catalogue) -> Iterator[Finding]:
    for listener in catalogue.settings.listeners:
        if listener.mode != "forward":
            continue
        if any(network.prefixlen == 0 for network in listener.clients):
            yield broken(
                "addresses",
                (
                    f"{listener.name}: открытый прокси для всего мира",
                    f"{listener.name}: an open proxy for all the world",
                ),
                ("перечислите в clients свои сети", "list your own networks in clients"),
            )
        elif not listener.clients and not any(place.networks for place in catalogue.territories.values()):
            yield broken(
                "addresses",
                (f"{listener.name}: никому не разрешён", f"{listener.name}: nobody may use it"),
                ("перечислите сети в clients или в регионах", "list networks in clients, or in the regions"),
            )


def _told_to_origins(catalogue: Catalogue) -> Iterator[Finding]:
    for origin in catalogue.origins.values():
        if origin.upstream is not None and origin.learner_address is LearnerAddress.NONE:
            yield doubtful(
                "addresses",
                (f"{origin.id}: в журнале сайта у всех будет адрес Tropa",
                 f"{origin.id}: its log shows Tropa's address for everybody"),
                ("задайте learner_address: x-forwarded-for и пусть сайт верит Tropa (deploy/README.md)",
                 "set learner_address: x-forwarded-for, and let the site believe Tropa (deploy/README.md)"),
            )  # fmt: skip

"""CONNECT decided by host, clock and budget."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from policies.decision import Verdict
from policies.load import read_catalogue
from policies.values import Reason
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics
from proxy.account.sqlite import SqliteState
from proxy.exchange import ClientAddress
from proxy.modes.tunnel import Refusal, TunnelRequest
from proxy.runtime import runtime_of
from proxy.terms import ExchangeTerms
from proxy.tunnels import TunnelPolicy, refusal
from tests.exchanges import NOON, a_decision
from tests.serving import NIGHT

REGIONS = """
origins:
  video: {title: {ru: Видео, en: Video}, hosts: [meet.example], upstream: https://meet.example,
    rules: [{path: /, class: consultation}]}
regions:
  koryak:
    title: {ru: Корякский округ, en: Koryak District}
    timezone: Asia/Kamchatka
    networks: [10.41.0.0/16]
    policy: satellite-metered
    link: {down: 256 kbit/s, up: 64 kbit/s, rtt: 700 ms}
    tariff:
      timezone: Europe/Moscow
      price: 0.40 RUB/MB
      allowance: {amount: 1 MB, per: day, then: stop}
      free: [{days: daily, from: 23:00, to: 07:00}]
    consultations: {when: free}
"""


class At:
    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def steady_s(self) -> float:
        return self.at.timestamp()


class Gate:
    """The gate with real accounting."""

    def __init__(self, policy: TunnelPolicy, accountant: Accountant, clock: At, folder: Path) -> None:
        self.policy, self.accountant, self.clock, self.folder = policy, accountant, clock, folder
        self.catalogue = accountant._catalogue()

    async def admit(self, host: str) -> ExchangeTerms | Refusal:
        origin = next((one for one in self.catalogue.origins.values() if host in one.hosts), None)
        client = ClientAddress(address=ip_address("10.41.0.5"), peer=ip_address("10.41.0.5"), trusted=False)
        headers = CIMultiDictProxy(CIMultiDict[str]())
        return await self.policy.admit(
            TunnelRequest(host=host, port=443, client=client, listener="proxy", headers=headers, origin=origin)
        )


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    regions = tmp_path / "regions.yaml"
    regions.write_text(REGIONS, "utf-8")
    catalogue, clock = read_catalogue(regions), At(NOON)
    log = AccessLog(tmp_path / "log", max_days=1, max_bytes=10**6)
    log.start()
    accountant = Accountant(
        state=SqliteState(tmp_path / "s.db"),
        clock=clock,
        log=log,
        metrics=Metrics(),
        codes=Codes(b"k" * 32),
        catalogue=lambda: catalogue,
    )
    runtime = runtime_of(catalogue, b"k" * 32)
    yield Gate(TunnelPolicy(runtime=lambda: runtime, accountant=accountant, clock=clock), accountant, clock, tmp_path)
    log.close()


async def test_a_tunnel_is_admitted_counted_and_ends_in_one_receipt(gate: Gate) -> None:
    terms = await gate.admit("lms.example")
    assert isinstance(terms, ExchangeTerms) and gate.policy.open == 1
    assert await terms.reserve(262_144)
    await terms.closed(1000, 2000, 3.0)
    await terms.closed(1000, 2000, 3.0)
    assert gate.policy.open == 0
    gate.accountant._log.drain()
    lines = [line for file in (gate.folder / "log").iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == 1 and '"method":"CONNECT"' in lines[0] and "https://lms.example:443" in lines[0]


async def test_a_consultations_host_opens_in_its_window_only(gate: Gate) -> None:
    shut = await gate.admit("meet.example")
    assert isinstance(shut, Refusal) and shut.status == 503
    assert dict(shut.headers)["Retry-After"] == str(8 * 3600 + 1)
    assert gate.policy.open == 0
    gate.clock.at = NIGHT
    terms = await gate.admit("meet.example")
    assert isinstance(terms, ExchangeTerms)
    assert terms.valid_until == datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    gate.clock.at = terms.valid_until
    assert await terms.redecide(gate.clock.at) is None


async def test_a_spent_allowance_shuts_the_next_tunnel(gate: Gate) -> None:
    terms = await gate.admit("lms.example")
    assert isinstance(terms, ExchangeTerms)
    for _ in range(3):
        assert await terms.reserve(262_144)
    assert not await terms.reserve(262_144)
    await terms.closed(0, 2_000_000, 1.0)
    assert isinstance(await gate.admit("lms.example"), Refusal)


def test_what_does_not_open_is_403_and_names_no_time() -> None:
    refused = refusal(a_decision(verdict=Verdict.REFUSE, reasons=(Reason(rule="class-never"),)), NOON)
    assert refused.status == 403 and dict(refused.headers) == {"Tropa-Reason": "class-never"}


def test_what_opens_at_no_known_time_says_none() -> None:
    assert "Retry-After" not in dict(refusal(a_decision(verdict=Verdict.DEFER), NOON).headers)


def test_an_opening_that_has_just_been_missed_is_a_second_away() -> None:
    late = refusal(a_decision(verdict=Verdict.DEFER, opens_at=NOON - timedelta(seconds=5)), NOON)
    assert dict(late.headers)["Retry-After"] == "1"

"""Regions files for the benches: the shipped policies, without hours, so that a run at night measures the same."""

from __future__ import annotations

from collections.abc import Mapping

_LINK = "{down: 256 kbit/s, up: 256 kbit/s, rtt: 600 ms}"
_METERED = """    tariff:
      price: 0.40 RUB/MB
      allowance: {amount: 30000 GB, per: day, then: stop}
"""
_FREE = "    tariff: {price: free}\n"
METERED_POLICIES = frozenset({"satellite-metered", "text-first", "mobile-2g"})


def regions(
    upstream: str,
    listeners: Mapping[str, tuple[str, str]],
    *,
    hosts: str = "127.0.0.1",
    metrics_listen: str | None = None,
) -> str:
    """A regions file. listeners: region -> (address to listen on, shipped policy); each region has its own."""
    port = upstream.rpartition(":")[2]
    lines = ["tropa:", "  place: origin", "  listeners:"]
    lines += [
        f"    {name}: {{mode: reverse, listen: '{listen}', origin: course}}" for name, (listen, _) in listeners.items()
    ]
    if metrics_listen:
        lines.append(f"  metrics_listen: '{metrics_listen}'")
    lines += [
        f"  default_region: {next(iter(listeners))}",
        "origins:",
        "  course:",
        "    title: {ru: Курс, en: Course}",
        f"    hosts: [{hosts}]",
        f"    upstream: {upstream}",
        "    preset: [moodle, bigbluebutton]",
        "    allow_private: true",
        f"    ports: [{port}]",
        "regions:",
    ]
    for name, (_, policy) in listeners.items():
        lines += [
            f"  {name}:",
            f"    title: {{ru: {name}, en: {name}}}",
            "    timezone: Asia/Kamchatka",
            f"    listeners: [{name}]",
            f"    policy: {policy}",
            f"    link: {_LINK}",
            (_METERED if policy in METERED_POLICIES else _FREE).rstrip("\n"),
        ]
    return "\n".join(lines) + "\n"

"""Presets by name, with what they extend and the folder they are mounted in resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from policies.compile.outbox import compile_outbox, refuse_assessment
from policies.compile.patterns import path_pattern, specificity, url_pattern, value_pattern
from policies.compile.spot import Spot
from policies.faults import FaultList, Wrong, did_you_mean
from policies.model import DietItem, EmbedHost, NoTransform, OutboxForm, PathRule, Preset
from policies.schema.check import check
from policies.schema.origin import PresetSection, RuleSection
from policies.values import TrafficClass
from policies.yaml_marks import Mark, MarkedMap

Compile = Callable[[str], re.Pattern[str]]


class PresetLibrary:
    """Presets as written; a nearer layer's name shadows one further out."""

    def __init__(self, layers: Sequence[Mapping[str, MarkedMap]], faults: FaultList) -> None:
        self._faults = faults
        self._checked: dict[str, tuple[PresetSection, MarkedMap]] = {}
        self._ready: dict[tuple[tuple[str, ...], str], Preset] = {}
        self._names = frozenset(name for layer in layers for name in layer)
        for name, written in {name: written for layer in layers for name, written in layer.items()}.items():
            checked = check(PresetSection, written, faults)
            if checked is not None:
                self._checked[name] = checked
        self._order = {name: self._with_parents(name, ()) for name in self._checked}
        for name in self._checked:
            self.compiled((name,), "")

    @property
    def names(self) -> frozenset[str]:
        return self._names

    @property
    def diets(self) -> frozenset[str]:
        return frozenset(item.name for section, _ in self._checked.values() for item in section.diet)

    def embed_hosts(self) -> tuple[EmbedHost, ...]:
        """Every preset's video hosts, by name; the first of a name holds."""
        found: dict[str, EmbedHost] = {}
        for section, written in self._checked.values():
            for index, host in enumerate(section.embed_hosts):
                spot = Spot(written, self._faults, ("embed_hosts", index))
                pattern = _any_of(host.urls, spot.at("urls"), url_pattern)
                item = EmbedHost(name=host.name, pattern=pattern, csp_hosts=tuple(host.csp_hosts))
                found.setdefault(host.name, item)
        return tuple(found.values())

    def known(self, name: str, wanted_at: Mark) -> bool:
        if name not in self._names:
            self._faults.add(wanted_at.fault(f"unknown preset {name}", did_you_mean(name, self._names)))
        return name in self._names

    def compiled(self, names: tuple[str, ...], mount: str) -> Preset:
        """One preset out of several, the first one's words first; unknown names count as empty."""
        if (names, mount) not in self._ready:
            order = dict.fromkeys(part for name in names for part in self._order.get(name, ()))
            self._ready[names, mount] = self._joined("+".join(names), tuple(order), mount)
        return self._ready[names, mount]

    def _with_parents(self, name: str, trail: tuple[str, ...]) -> tuple[str, ...]:
        """The preset and all it extends, nearest first."""
        section, written = self._checked[name]
        found = [name]
        for index, parent in enumerate(section.extends):
            spot = Spot(written, self._faults, ("extends", index))
            if parent in (*trail, name):
                spot.fault(f"extends itself: {' → '.join((*trail, name, parent))}", "extend another preset")
            elif self.known(parent, spot.mark) and parent in self._checked:
                found += self._with_parents(parent, (*trail, name))
        return tuple(dict.fromkeys(found))

    def _joined(self, name: str, parts: tuple[str, ...], mount: str) -> Preset:
        sections = [(self._checked[part][0], Spot(self._checked[part][1], self._faults)) for part in parts]

        def paths(key: str) -> tuple[re.Pattern[str], ...]:
            return tuple(
                _one(text, spot.at(key, index), lambda one: path_pattern(one, mount))
                for section, spot in sections
                for index, text in enumerate(getattr(section, key))
            )

        def words(key: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(text for section, _ in sections for text in getattr(section, key)))

        rules = _ordered(
            pair for section, spot in sections for pair in compile_rules(section.rules, spot.at("rules"), mount)
        )
        return Preset(
            name=name,
            rules=rules,
            diet=tuple(item for section, spot in sections for item in _diet(section, spot.at("diet"), mount)),
            session_cookies=words("session_cookies"),
            logout=paths("logout"),
            app_paths=paths("app_paths"),
            app_error=next((s.app_error for s, _ in sections if s.app_error is not None), ""),
            volatile_query=frozenset(words("volatile_query")),
            edit_paths=paths("edit_paths"),
            no_transform=next((s.no_transform for s, _ in sections if s.no_transform is not None), NoTransform.HONOUR),
            socket_close=next((s.socket_close for s, _ in sections if s.socket_close is not None), False),
            script_players=words("script_players"),
            person_attribute=next((s.person_attribute for s, _ in sections if s.person_attribute), ""),
            never_kept=paths("never_kept"),
            player_paths=paths("player_paths"),
            outbox=tuple(form for s, spot in sections for form in _outbox(s, spot.at("outbox"), mount, rules)),
            source=sections[0][1].source if sections else "",
        )


def _diet(section: PresetSection, spot: Spot, mount: str) -> Iterable[DietItem]:
    for index, item in enumerate(section.diet):
        pattern = _any_of(item.urls, spot.at(index, "urls"), lambda one: url_pattern(one, mount))
        yield DietItem(name=item.name, pattern=pattern, unless=tuple(item.unless))


def _outbox(section: PresetSection, spot: Spot, mount: str, rules: tuple[PathRule, ...]) -> tuple[OutboxForm, ...]:
    forms = compile_outbox(section.outbox, spot, mount)
    refuse_assessment(forms, rules, spot)
    return forms


RankedRule = tuple[tuple[int, ...], PathRule]


def compile_rules(sections: Sequence[RuleSection], spot: Spot, mount: str) -> list[RankedRule]:
    return [_rule(section, spot.at(index), mount) for index, section in enumerate(sections)]


def ordered_rules(sections: Sequence[RuleSection], spot: Spot, mount: str) -> tuple[PathRule, ...]:
    """The most specific first: longest fixed beginning, then parameters, methods and fixed characters."""
    return _ordered(compile_rules(sections, spot, mount))


def _ordered(ranked: Iterable[RankedRule]) -> tuple[PathRule, ...]:
    return tuple(rule for _, rule in sorted(ranked, key=lambda pair: pair[0], reverse=True))


def _rule(section: RuleSection, spot: Spot, mount: str) -> RankedRule:
    beginning, characters = specificity(section.path)
    rank = (beginning, len(section.query), bool(section.methods), characters)
    pattern = _one(section.path, spot.at("path"), lambda one: path_pattern(one, mount))
    rule = PathRule(
        pattern=_in_any_case(pattern) if section.traffic_class is TrafficClass.ASSESSMENT else pattern,
        traffic_class=section.traffic_class,
        kind=section.kind,
        methods=frozenset(section.methods),
        query=tuple(
            (name, _one(value, spot.at("query", name), value_pattern)) for name, value in section.query.items()
        ),
        required_for_credit=section.required_for_credit,
        source=spot.source,
    )
    return rank, rule


def _in_any_case(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """Some servers (IIS) find /Mod/Quiz/ too; elsewhere nothing is there, and nothing is lost."""
    return re.compile(pattern.pattern, pattern.flags | re.IGNORECASE)


_NEVER = re.compile(r"(?!)")


def _one(written: str, spot: Spot, compile_one: Compile) -> re.Pattern[str]:
    try:
        return compile_one(written)
    except Wrong as wrong:
        spot.fault(wrong.problem, wrong.cure)
        return _NEVER


def paths_of(written: Sequence[str], spot: Spot, mount: str) -> tuple[re.Pattern[str], ...]:
    """Paths as patterns; a faulty one matches nothing and leaves its fault."""
    return tuple(_one(text, spot.at(index), lambda one: path_pattern(one, mount)) for index, text in enumerate(written))


def _any_of(written: Sequence[str], spot: Spot, compile_one: Compile) -> re.Pattern[str]:
    patterns = [_one(text, spot.at(index), compile_one) for index, text in enumerate(written)]
    if len(patterns) == 1:
        return patterns[0]
    joined = "|".join(f"(?:{pattern.pattern})" for pattern in patterns)
    return re.compile(joined, patterns[0].flags & (re.IGNORECASE | re.DOTALL)) if patterns else _NEVER

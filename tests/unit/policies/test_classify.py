from __future__ import annotations

import re

import pytest

from policies.classify import Classifier, classify, literal_prefix
from policies.model import EmbedHost, Preset
from policies.values import MediaKind, Mode, TrafficClass
from tests.builders import MOODLE, a_catalogue, a_request, a_rule, an_origin


def class_of(path: str, *rules, own=(), **facts) -> TrafficClass:  # type: ignore[no-untyped-def]
    origin = an_origin(preset=Preset(name="x", rules=rules), rules=own)
    catalogue = a_catalogue(origins=(origin,))
    return classify(catalogue, origin, a_request(path, **facts)).traffic_class


def test_the_longest_literal_prefix_wins_whatever_the_order() -> None:
    rules = (a_rule("^/mod/", TrafficClass.LESSON), a_rule("^/mod/quiz/", TrafficClass.ASSESSMENT))
    assert class_of("/mod/quiz/x", *rules) is TrafficClass.ASSESSMENT
    assert class_of("/mod/quiz/x", *reversed(rules)) is TrafficClass.ASSESSMENT
    assert class_of("/mod/page/x", *rules) is TrafficClass.LESSON


def test_of_equal_prefixes_the_first_wins() -> None:
    rules = (a_rule("^/a/", TrafficClass.FORUM), a_rule("^/a/", TrafficClass.LESSON))
    assert class_of("/a/x", *rules) is TrafficClass.FORUM


def test_the_origins_own_rules_come_before_the_presets() -> None:
    own = (a_rule("^/mod", TrafficClass.WEBINAR),)
    assert class_of("/mod/quiz/", a_rule("^/mod/quiz/", TrafficClass.ASSESSMENT), own=own) is TrafficClass.WEBINAR


def test_a_rule_with_a_query_is_more_specific_and_needs_all_its_values() -> None:
    rules = (
        a_rule("^/service", TrafficClass.GENERAL),
        a_rule("^/service", TrafficClass.ASSESSMENT, query=(("info", "save"), ("v", "1"))),
    )
    assert class_of("/service", *rules, query="v=1&x=2&info=save") is TrafficClass.ASSESSMENT
    assert class_of("/service", *rules, query="info=sa%76e&v=1") is TrafficClass.ASSESSMENT
    assert class_of("/service", *rules, query="info=save") is TrafficClass.GENERAL
    assert class_of("/service", *rules, query="") is TrafficClass.GENERAL


def test_a_parameter_may_name_several_things() -> None:
    """As Moodle's scripts name their calls, joined by commas; of many only the number."""
    rules = (
        a_rule("^/service", TrafficClass.GENERAL),
        a_rule("^/service", TrafficClass.ASSESSMENT, query=(("info", "*{mod_quiz,core_xapi}_*"),)),
        a_rule("^/service", TrafficClass.ASSESSMENT, query=(("info", "*-method-calls"),)),
    )
    for info in ("mod_quiz_save", "core_a,mod_quiz_b", "core_a%2Ccore_xapi_b,d", "7-method-calls"):
        assert class_of("/service", *rules, query=f"info={info}&x=1") is TrafficClass.ASSESSMENT, info
    for info in ("mod_quiz", "mod_quizzes_a", "method-calls", "core_a,core_b"):
        assert class_of("/service", *rules, query=f"info={info}") is TrafficClass.GENERAL, info


def test_a_rule_for_a_method_holds_for_no_other() -> None:
    rule = a_rule("^/upload", TrafficClass.ASSESSMENT, methods=["POST"])
    assert class_of("/upload", rule, method="POST") is TrafficClass.ASSESSMENT
    assert class_of("/upload", rule, method="GET") is TrafficClass.GENERAL


def test_a_tunnel_has_only_rules_for_the_whole_host() -> None:
    whole = a_rule("^/", TrafficClass.CONSULTATION)
    assert class_of("/mod/quiz/", a_rule("^/mod/quiz/", TrafficClass.ASSESSMENT), mode=Mode.TUNNEL) is (
        TrafficClass.GENERAL
    )
    assert class_of("/", whole, mode=Mode.TUNNEL) is TrafficClass.CONSULTATION


def test_a_known_player_of_an_unknown_origin_is_a_recording() -> None:
    host = EmbedHost(name="tube", pattern=re.compile(r"^https?://tube\.example/embed/"))
    catalogue = a_catalogue(embed_hosts=(host,))
    found = classify(catalogue, None, a_request("/embed/5", host="tube.example", origin=""))
    assert (found.traffic_class, found.kind) == (TrafficClass.RECORDING, MediaKind.VIDEO)
    assert classify(catalogue, None, a_request("/about", host="tube.example", origin="")).source == ""


def test_what_counts_for_credit_and_its_source_are_the_rules() -> None:
    origin = an_origin()
    found = classify(a_catalogue(), origin, a_request("/course/view.php"))
    assert found.required_for_credit
    assert found.source == "presets/moodle.yaml:13"


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("^/mod/quiz/", "/mod/quiz/"),
        (r"^/login/logout\.php\Z", "/login/logout.php"),
        (r"^/pluginfile\.php/[^/]*/x", "/pluginfile.php/"),
        ("(?:^|/)mod/", "mod/"),
        ("^/colou?r", "/colo"),
        ("^/a|/b", ""),
        (".*", ""),
        ("", ""),
    ],
)
def test_literal_prefixes_are_read_off_the_pattern(pattern: str, prefix: str) -> None:
    assert literal_prefix(pattern) == prefix


def test_the_memory_is_bounded_and_keeps_queries_apart() -> None:
    watched = a_rule("^/service", TrafficClass.ASSESSMENT, query=(("info", "save"),))
    origin = an_origin(preset=Preset(name="x", rules=(watched, *MOODLE.rules)))
    classifier = Classifier(a_catalogue(origins=(origin,)), max_entries=3)
    for _ in range(2):
        assert classifier.classify(a_request("/service", query="info=save")).traffic_class is TrafficClass.ASSESSMENT
        assert classifier.classify(a_request("/service", query="info=read")).traffic_class is TrafficClass.GENERAL
        for n in range(5):
            assert classifier.classify(a_request(f"/mod/forum/{n}")).traffic_class is TrafficClass.FORUM
    assert len(classifier._memo) == 3

"""Both languages say the same things, every phrase is used, and none is missing."""

import re
import string
from pathlib import Path

import pytest
import yaml

import proxy.pages
from policies.values import Reason
from proxy import errors
from proxy.pages.device import SCRIPTS
from proxy.pages.phrases import LANGUAGES, phrases
from proxy.pages.reasons import has_sentence, teacher_reason

FOLDER = Path(proxy.pages.__file__).parent
# Families whose last word is a value, not a literal: a reason's code, a kind, a host …
FAMILIES = ("night.what.", "night.why.",
            "reason.", "kind.", "host.", "alternative.", "zone.", "weekday.", "error.", "gate.title.", "place.known.",
            "place.scope.", "bar.left.", "bar.spent.", "ics.", "advice.tonight_", "moment.", "version.", "media.state.",
            "deferred.state.", "deferred.why.", "slidecast.", "device.", "outbox.title_of.", "outbox.state.",
            "outbox.why.", "outbox.act.", "mine.kept.", "uploads.", "outage.days",
            "outage.hours", "outage.minutes", "report.")  # fmt: skip


def _code() -> str:
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")]
    return "\n".join(path.read_text("utf-8") for path in files)


def _all_texts(language: str) -> dict[str, str]:
    say = phrases(language)
    spread = {f"{key}#{form}": text for key, forms in say.plurals.items() for form, text in forms.items()}
    return {**say.texts, **spread}


def test_both_languages_have_the_same_phrases():
    russian, english = phrases("ru"), phrases("en")
    assert russian.texts.keys() == english.texts.keys()
    assert russian.plurals.keys() == english.plurals.keys()


def test_both_languages_fill_in_the_same_values():
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, text in phrases("ru").texts.items():
        assert names(text) == names(phrases("en").texts[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_a_yaml_surprise(language):
    def walk(node):
        for key, value in node.items():
            assert isinstance(key, str), f"{key!r} must be quoted"
            if isinstance(value, dict):
                walk(value)
            else:
                assert isinstance(value, str) and value.strip(), key

    walk(yaml.safe_load((FOLDER / "locales" / f"{language}.yaml").read_text("utf-8")))


def test_every_literal_key_in_code_and_templates_exists():
    used = set(re.findall(r"""\b(?:say|t|p|say\.plural)\(\s*f?["']([a-z_.]+)["']""", _code()))
    known = phrases("en").texts.keys() | phrases("en").plurals.keys()
    assert len(used) > 60
    assert {key for key in used if not key.endswith(("_", "."))} - known == set()


def test_no_phrase_is_unused():
    code = _code()
    known = phrases("en").texts.keys() | phrases("en").plurals.keys()
    unused = {
        key for key in known if not key.startswith(FAMILIES) and f'"{key}"' not in code and f"'{key}'" not in code
    }
    assert unused == set()


def test_the_devices_scripts_say_every_phrase_they_are_given_and_no_other():
    def given(name):
        return {key.rpartition(".")[2] for key in phrases("en").keys_below(f"device.{name}.")}

    for name in SCRIPTS:  # each stands on the first, and may say what that one is given
        said = set(re.findall(r"\bsay\.([a-z_]+)", (FOLDER / "static" / f"{name}.js").read_text("utf-8"))) - {"lang"}
        assert given(name) <= said <= given(name) | given("keep"), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_uses_a_word_of_the_trade(language):
    trade = re.compile(r"proxy|прокси|cache|кэш|кеш|kbit|кбит|трансфер|HTTP|URL|origin|сервер", re.IGNORECASE)
    assert [key for key, text in _all_texts(language).items() if trade.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_of_the_data_path_has_a_page_text(language):
    makers = [errors.upstream_unreachable, errors.upstream_timeout, errors.upstream_certificate, errors.overloaded,
              errors.upstream_malformed, errors.upstream_name, errors.loop_detected, errors.refused_target]  # fmt: skip
    for make in makers:
        assert phrases(language).has(f"error.{make('').code}.title")
    for fault in errors.Fault:
        assert phrases(language).has(f"error.{fault}.text")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_code_has_a_sentence_for_teachers(language):
    explain = pytest.importorskip("policies.explain")
    assert [code for code in explain.codes() if not has_sentence(code, language)] == []


def test_an_unknown_reason_code_reads_as_the_general_sentence():
    assert teacher_reason(Reason(rule="not-yet-invented"), "ru") == phrases("ru")("reason.general")


def test_a_language_without_a_catalogue_reads_english():
    assert phrases("de").language == "en"


def test_russian_plurals_follow_about_with_the_genitive():
    from proxy.pages.figures import duration_text

    said = [duration_text(minutes * 60, "ru").replace("\u00a0", " ") for minutes in (1, 2, 5, 21, 22)]
    assert said == ["около 1 минуты", "около 2 минут", "около 5 минут", "около 21 минуты", "около 22 минут"]

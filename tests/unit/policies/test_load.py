"""Reading files: layers, tables, fingerprints, and the shipped example."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from policies.decide import decide
from policies.facts import RequestFacts, Usage
from policies.faults import PolicyFaults
from policies.load import Override, json_schema, read_catalogue, read_catalogue_with_warnings, source_files
from policies.model import Catalogue, PolicyTest
from policies.schema.reference import sections
from policies.treatments import Action, Form
from policies.values import Mode, TrafficClass

SHIPPED = Path(__file__).parents[3] / "regions.yaml"
ONE = "regions:\n  a: {timezone: Europe/Moscow, networks: [10.0.0.0/8], policy: %s}\n"


def write(folder: Path, text: str, name: str = "regions.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def fault_lines(path: Path, **options: object) -> list[str]:
    with pytest.raises(PolicyFaults) as faults:
        read_catalogue(path, **options)  # type: ignore[arg-type]
    return [str(fault) for fault in faults.value.faults]


# -- the shipped example -----------------------------------------------------------------------------------------------

CATALOGUE = read_catalogue(SHIPPED)


def decided(catalogue: Catalogue, test: PolicyTest) -> dict[str, str]:
    url = urlsplit(test.url)
    origin = next((name for name, origin in catalogue.origins.items() if url.hostname in origin.hosts), "")
    request = RequestFacts(
        region=test.region,
        site=test.site,
        mode=Mode(test.mode),
        scheme=url.scheme,
        host=url.hostname or "",
        path=url.path or "/",
        query=url.query,
        origin=origin,
    )
    decision = decide(catalogue, request, Usage(), test.at)
    found = {"verdict": decision.verdict.value, "class": decision.traffic_class.value}
    for kind in test.expect_treatments:
        treatment = getattr(decision.treatments, kind)
        found[kind] = getattr(treatment, "action", treatment).value
        if test.expect_treatments[kind] in tuple(Form) and found[kind] == "adapt":
            found[kind] = treatment.form.value
    return found


@pytest.mark.parametrize("test", CATALOGUE.tests, ids=lambda test: test.source)
def test_the_shipped_example_keeps_its_own_promises(test: PolicyTest) -> None:
    expected = dict(test.expect_treatments)
    expected |= {"verdict": test.expect_verdict} if test.expect_verdict else {}
    expected |= {"class": test.expect_class} if test.expect_class else {}
    found = decided(CATALOGUE, test)
    assert {key: found[key] for key in expected} == expected


def test_the_shipped_example_has_no_warning() -> None:
    assert read_catalogue_with_warnings(SHIPPED)[1] == ()


def test_every_sample_region_has_a_listener_in_front_of_the_course() -> None:
    by_port = {item.port: item for item in CATALOGUE.settings.listeners}
    regions = {place[0] for place in CATALOGUE.territories}
    listening = {
        territory.region
        for territory in CATALOGUE.territories.values()
        for port in range(8101, 8107)
        if by_port[port].name in territory.listeners
    }
    assert listening == regions
    assert all(by_port[port].origin == "course" for port in range(8101, 8107))
    assert by_port[8110].mode == "forward"


def test_every_sample_region_is_tested() -> None:
    assert {test.region for test in CATALOGUE.tests} == {region for region, _ in CATALOGUE.territories}


@pytest.mark.parametrize("name", sorted(CATALOGUE.policies))
def test_every_ready_made_policy_keeps_assessment_whole(name: str) -> None:
    rule = CATALOGUE.policies[name].classes[TrafficClass.ASSESSMENT]
    kept = rule.treatments
    assert rule.windows.always
    assert kept.script is kept.style is kept.font is kept.embed.action is kept.stream.action is Action.KEEP
    assert kept.video.action is Action.KEEP or (kept.video.action is Action.ADAPT and kept.video.form is Form.CAPPED)
    assert kept.audio.action is kept.document.action is Action.KEEP
    assert not kept.page.text_first
    assert not kept.page.diet
    assert kept.image.action in (Action.KEEP, Action.ADAPT)
    assert kept.image.action is Action.KEEP or kept.image.photo_quality >= 60


@pytest.mark.parametrize("name", sorted(CATALOGUE.policies))
def test_every_ready_made_policy_has_both_titles_and_every_class(name: str) -> None:
    policy = CATALOGUE.policies[name]
    assert policy.title.ru
    assert policy.title.en
    assert set(policy.classes) == set(TrafficClass)


def test_the_open_policy_changes_nothing() -> None:
    policy = CATALOGUE.policies["open"]
    assert all(rule.treatments.page.action is Action.KEEP for rule in policy.classes.values())
    assert policy.original_max_bytes is None


# -- the schema for editors --------------------------------------------------------------------------------------------


def sections_at(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The object schemas that a node may be, references and alternatives followed."""
    if "$ref" in node:
        return sections_at(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    found = [node] if "properties" in node or "additionalProperties" in node else []
    return found + [one for part in node.get("anyOf", ()) for one in sections_at(schema, part)]


def unknown_to_schema(schema: dict[str, Any], node: dict[str, Any], written: object, path: str) -> list[str]:
    if isinstance(written, list):
        items = [part["items"] for part in [node, *node.get("anyOf", ())] if "items" in part]
        return [
            x for item in written for x in unknown_to_schema(schema, items[0] if items else node, item, path + "[]")
        ]
    sections = sections_at(schema, node)
    if not isinstance(written, dict) or not sections:
        return []
    unknown: list[str] = []
    for key, value in written.items():
        below = [one["properties"][key] for one in sections if key in one.get("properties", {})]
        below += [one["additionalProperties"] for one in sections if isinstance(one.get("additionalProperties"), dict)]
        unknown += unknown_to_schema(schema, below[0], value, f"{path}.{key}") if below else [f"{path}.{key}"]
    return unknown


def test_the_json_schema_knows_every_key_of_the_shipped_example() -> None:
    written = yaml.load(SHIPPED.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    unknown = unknown_to_schema(json_schema(), json_schema(), written, "")
    assert {path.split(".")[1] for path in unknown} == {"x-methodical-centre"}


def test_the_json_schema_knows_no_misspelt_key() -> None:
    wrong: dict[str, Any] = {"regions": {"a": {"timezome": "x", "tariff": {"allowence": "1 MB/day"}}}}
    unknown = unknown_to_schema(json_schema(), json_schema(), wrong, "")
    assert unknown == [".regions.a.timezome", ".regions.a.tariff.allowence"]


def test_every_key_is_described() -> None:
    undescribed = [
        f"{name}.{key}"
        for name, section in json_schema()["$defs"].items()
        for key, value in section.get("properties", {}).items()
        if name != "TextSection" and "description" not in value
    ]
    assert undescribed == []


def test_the_reference_describes_every_section_once() -> None:
    found = sections()
    assert len({section.name for section in found}) == len(found)
    assert all(section.description and section.keys for section in found)
    by_name = {section.name: section for section in found}
    allowance = {key.key: key for key in by_name["allowance"].keys}
    assert (allowance["amount"].example, allowance["amount"].required) == ("300 MB", True)
    assert allowance["scope"].words == ("learner", "site", "region")
    regions = next(key for key in by_name["regions.yaml"].keys if key.key == "regions")
    assert (regions.section, regions.many) == ("region", "names")
    assert all(key.section in by_name for section in found for key in section.keys if key.section)


# -- layers ------------------------------------------------------------------------------------------------------------


def test_a_folder_beside_the_file_adds_policies(tmp_path: Path) -> None:
    write(tmp_path, "title: Свой\nextends: satellite-metered\nvideo: keep\n", "policies/ours.yaml")
    policy = read_catalogue(write(tmp_path, ONE % "ours")).territories["a", None].policy
    treatments = policy.classes[TrafficClass.LESSON].treatments
    assert (treatments.video.action, treatments.embed.action) == (Action.KEEP, Action.CARD)
    assert policy.sources["video"] == "policies/ours.yaml:3"
    assert policy.sources["embed"].startswith("policies/catalog/satellite-metered.yaml:")


def test_a_policy_may_shadow_the_shipped_one_and_extend_it(tmp_path: Path) -> None:
    write(tmp_path, "extends: satellite-metered\naudio: card\n", "policies/catalog/satellite-metered.yaml")
    treatments = read_catalogue(write(tmp_path, ONE % "mobile-2g")).policies["satellite-metered"]
    lesson = treatments.classes[TrafficClass.LESSON].treatments
    assert (lesson.audio.action, lesson.embed.action) == (Action.CARD, Action.CARD)
    assert read_catalogue(tmp_path / "regions.yaml").policies["mobile-2g"].classes


def test_a_preset_of_ones_own_is_known_and_its_video_hosts_hold_everywhere(tmp_path: Path) -> None:
    write(tmp_path, "embed_hosts: [{name: Ours, urls: [video.our.example/embed/]}]\n", "policies/presets/ours.yaml")
    catalogue = read_catalogue(write(tmp_path, ONE % "open"))
    ours = next(host for host in catalogue.embed_hosts if host.name == "Ours")
    assert ours.pattern.search("https://video.our.example/embed/5?autoplay=1")
    assert not ours.pattern.search("https://example.org/?u=https://video.our.example/embed/5")


def test_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, "video: crad\n", "policies/one.yaml")
    write(tmp_path, "rules: [{path: nowhere, class: lesson}]\n", "policies/presets/two.yaml")
    lines = fault_lines(write(tmp_path, ONE % "opne"))
    assert len(lines) == 3
    assert {line.split(":")[0].rpartition("/")[2] for line in lines} == {"one.yaml", "two.yaml", "regions.yaml"}


def test_source_files_are_the_operators_own(tmp_path: Path) -> None:
    policy = write(tmp_path, "video: card\n", "policies/one.yaml")
    preset = write(tmp_path, "extends: web\n", "policies/presets/two.yaml")
    table = write(tmp_path, "ivanova,a,\n", "sites.csv")
    regions = write(tmp_path, "tropa: {site_table: sites.csv}\n" + ONE % "one")
    assert source_files(regions) == (regions, policy, preset, table)


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "can't be read: no such file or directory" in fault_lines(tmp_path / "regions.yaml")[0]


# -- the table of logins -----------------------------------------------------------------------------------------------


def test_logins_are_read_with_or_without_a_site(tmp_path: Path) -> None:
    write(tmp_path, "login,region,site\nivanova, a ,\nпетрова,a,s\n# note\n", "sites.csv")
    text = "tropa: {site_table: sites.csv}\n" + ONE % "open" + "    \n"
    text = text.replace("policy: open}", "policy: open, sites: {s: {}}}")
    catalogue = read_catalogue(write(tmp_path, text))
    assert catalogue.settings.site_table == {"ivanova": ("a", ""), "петрова": ("a", "s")}


def test_a_login_of_an_unknown_place_is_a_fault_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "ivanova,aa,\nivanova,a,\npetrova\nsidorova,a,x\n", "sites.csv")
    lines = fault_lines(write(tmp_path, "tropa: {site_table: sites.csv}\n" + ONE % "open"))
    assert [line.partition("sites.csv:")[2] for line in lines] == [
        "1:1: ivanova: unknown region aa; did you mean a?",
        "2:1: ivanova: the login stands in line 1 too; keep one of them",
        "3:1: petrova: expected login,region,site, got 1 cells; write three cells with commas; the site may be empty",
        "4:1: sidorova: unknown site x; add it under the region's sites:",
    ]


def test_a_missing_table_is_a_fault_at_its_key(tmp_path: Path) -> None:
    lines = fault_lines(write(tmp_path, "tropa: {site_table: sites.csv}\n" + ONE % "open"))
    assert "regions.yaml:1:21: tropa.site_table:" in lines[0]


# -- overrides and fingerprints ----------------------------------------------------------------------------------------

UNTIL = datetime(2026, 12, 1, tzinfo=UTC)


def test_an_override_replaces_the_policy_of_a_region_and_its_sites(tmp_path: Path) -> None:
    text = ONE.replace("policy: %s", "policy: open, sites: {s: {policy: school-adsl}}")
    regions = write(tmp_path, text)
    override = Override(region="a", site=None, policy="text-first", until=UNTIL)
    catalogue = read_catalogue(regions, overrides=[override])
    assert {territory.policy.name for territory in catalogue.territories.values()} == {"text-first"}
    only_site = Override(region="a", site="s", policy="text-first", until=UNTIL)
    names = {
        place: item.policy.name for place, item in read_catalogue(regions, overrides=[only_site]).territories.items()
    }
    assert names == {("a", None): "open", ("a", "s"): "text-first"}


def test_an_override_of_what_nobody_knows_is_a_fault(tmp_path: Path) -> None:
    override = Override(region="b", site=None, policy="text-frist", until=UNTIL)
    lines = fault_lines(write(tmp_path, ONE % "open"), overrides=[override])
    assert any("unknown place" in line for line in lines)
    assert any("did you mean text-first?" in line for line in lines)


def test_the_fingerprint_changes_with_any_byte_and_with_overrides(tmp_path: Path) -> None:
    regions = write(tmp_path, ONE % "open")
    first = read_catalogue(regions).fingerprint
    assert read_catalogue(regions).fingerprint == first
    override = Override(region="a", site=None, policy="text-first", until=UNTIL)
    assert read_catalogue(regions, overrides=[override]).fingerprint != first
    assert read_catalogue(regions, bypassed_origins=frozenset({"lms"})).fingerprint != first
    write(tmp_path, ONE % "open" + "# note\n")
    assert read_catalogue(regions).fingerprint != first


def test_a_thousand_regions_are_read_in_a_few_seconds(tmp_path: Path) -> None:
    one = (
        "  r{n}:\n    timezone: Asia/Kamchatka\n    networks: [10.{a}.{b}.0/24]\n    policy: satellite-metered\n"
        "    link: {{down: 256 kbit/s, up: 64 kbit/s, rtt: 700 ms}}\n    tariff:\n      timezone: Europe/Moscow\n"
        "      price: 0.40 RUB/MB\n      allowance: 300 MB/day\n      free: [{{from: 23:00, to: 07:00}}]\n"
        "    consultations: {{when: free, alternatives: [forum]}}\n"
        "    sites: {{s: {{networks: [10.{a}.{b}.128/25]}}}}\n"
    )
    text = "regions:\n" + "".join(one.format(n=n, a=n // 250, b=n % 250) for n in range(1000))
    regions = write(tmp_path, text)
    began = time.process_time()
    assert len(read_catalogue(regions).territories) == 2000
    assert time.process_time() - began < 8  # two seconds on an idle core; a shared machine needs room

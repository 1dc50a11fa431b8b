"""What the documentation promises: links lead somewhere, commands exist, `tropa check` accepts the examples."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.faults import PolicyFaults
from policies.load import read_catalogue
from policies.policy_tests import run_policy_tests
from proxy.cli.main import COMMANDS
from proxy.cli.parser import make_parser

ROOT = Path(__file__).resolve().parents[3]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```[ \t]*$", re.DOTALL | re.MULTILINE)
_COMPLETE = re.compile(r"^<!-- complete regions\.yaml -->\n```yaml\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_SHELL = re.compile(r"^```sh\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^(?:sudo -u tropa |podman exec tropa )?(?:\S*/)?tropa (.+)$")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)
_IN_CODE = re.compile(r"`([^`\n]+)`")
_OF_THE_TREE = re.compile(r"\b(?:proxy|policies|scheduler|tests|bench|tools|deploy|docs)/[\w./*-]*\w")
_MADE = ("bench/out", "policies/presets/NAME.yaml", "policies/catalog/NAME.yaml")  # by a bench, by whoever reads
_MAX_IMAGE_BYTES = 150_000


def _pages() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    return sorted(found)


def _links(page: Path) -> Iterator[str]:
    for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield target


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and its kin make them."""
    headings = _HEADING.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", text)).strip().lower().replace(" ", "-") for text in headings}


def _examples() -> Iterator[tuple[str, str]]:
    for page in _pages():
        for number, example in enumerate(_COMPLETE.findall(page.read_text(encoding="utf-8")), start=1):
            yield f"{page.relative_to(ROOT)}#{number}", example


def _commands() -> Iterator[str]:
    """What stands after `tropa` in every shell line of the hand-written pages."""
    for page in _pages():
        for block in _SHELL.findall(page.read_text(encoding="utf-8")):
            for part in re.split(r"\n| && | \| ", block):
                if found := _COMMAND.match(part.strip()):
                    yield found[1]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", _pages(), ids=_name)
def test_every_relative_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    broken = []
    for target in _links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", [page for page in _pages() if page.name != "CHANGELOG.md"], ids=_name)
def test_every_file_of_the_tree_that_a_page_names_is_there(page: Path) -> None:
    named = {path for code in _IN_CODE.findall(page.read_text("utf-8")) for path in _OF_THE_TREE.findall(code)}
    there = {path for path in named for shown in (path, f"{path}.py") if any(ROOT.glob(shown))}
    assert sorted(named - there - {*_MADE}) == []


@pytest.mark.parametrize(("name", "example"), list(_examples()), ids=lambda value: value if ".md#" in value else "")
def test_a_complete_example_is_accepted_and_its_own_tests_hold(name: str, example: str, tmp_path: Path) -> None:
    file = tmp_path / "regions.yaml"
    file.write_text(example, encoding="utf-8")

    catalogue = read_catalogue(file)

    assert catalogue.origins, name
    assert run_policy_tests(catalogue) == ()


@pytest.mark.parametrize("line", sorted(set(_commands())))
def test_a_printed_command_is_one_that_tropa_understands(line: str) -> None:
    words = shlex.split(line, comments=True)
    words = words[: words.index(">")] if ">" in words else words

    args = make_parser(COMMANDS, lambda: "0", "en").parse_args(words)

    assert args.command in words


def test_the_guides_that_promise_a_first_region_carry_a_complete_example() -> None:
    carrying = {name.partition("#")[0] for name, _ in _examples()}

    assert carrying >= {"README.md", "docs/tutorial/first-region.md", "docs/ru/quick-guide.md"}


def test_every_page_of_the_documentation_is_reached_from_its_index() -> None:
    reached, waiting = set(), [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in _links(page)]

    assert set((ROOT / "docs").rglob("*.md")) - reached == set()


def test_pictures_are_light_enough_for_the_links_that_they_are_about() -> None:
    pictures = list((ROOT / "docs" / "images").glob("*"))

    assert pictures
    assert {picture.name for picture in pictures if picture.stat().st_size > _MAX_IMAGE_BYTES} == set()


@pytest.mark.parametrize("page", _pages(), ids=_name)
def test_pages_name_no_folder_of_the_machine_they_were_written_on(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"(?:/tmp/|/work/|/root/|/home/\w+/)\S*", text) == []


def test_the_faults_that_the_tutorial_shows_are_what_its_file_gets(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorial" / "first-region.md").read_text(encoding="utf-8")
    (example,) = _COMPLETE.findall(text)
    file = tmp_path / "regions.yaml"
    file.write_text(example.replace("satellite-metered", "satelite-metered").replace("07:00", "25:00"), "utf-8")

    with pytest.raises(PolicyFaults) as raised:
        read_catalogue(file)

    shown = [line for line in text.splitlines() if re.match(r"regions\.yaml:\d+:\d+: ", line)]
    assert [str(fault).replace(f"{tmp_path}/", "") for fault in raised.value.faults] == shown


@pytest.mark.parametrize("recipe", ["deploy/caddy/Caddyfile", "deploy/nginx/tropa.conf"])
def test_the_recipes_look_for_tropa_where_the_first_region_listens(recipe: str) -> None:
    for name, example in _examples():
        if name.startswith(("README", "docs/tutorial", "docs/ru", "docs/how-to/put-in-front")):
            (listener,) = re.findall(r"mode: reverse, listen: ([\d.:]+)", example)
            assert f" {listener} " in (ROOT / recipe).read_text(encoding="utf-8"), name

"""One cap for a sitting; what was taken away is withheld, for that learner and as long as she has that ladder."""

from __future__ import annotations

from proxy.stages.ladder_book import KEPT_S, PAUSE_S, LadderBook
from proxy.transforms.ladder import LadderSpec, Part, Rendition

MASTER = "https://lms.example.org/l/master.m3u8"
LOW, HIGH = LadderSpec(max_height_px=144), LadderSpec(max_height_px=720)


def rung(*addresses: str, part: Part = Part.PICTURE) -> Rendition:
    return Rendition(addresses=addresses, part=part)


def a_book(*removed: str, kept: tuple[str, ...] = ("144.m3u8",)) -> LadderBook:
    book = LadderBook()
    book.spec_for("anna", MASTER, LOW, 0.0)
    book.note("anna", MASTER, kept=[rung(one) for one in kept], removed=[rung(one) for one in removed])
    return book


def test_the_cap_stays_while_it_is_used_and_goes_with_a_pause() -> None:
    book = a_book()
    for now_s in (60.0, PAUSE_S, 2 * PAUSE_S - 1):
        assert book.spec_for("anna", MASTER + "?token=other", HIGH, now_s) == LOW
    assert book.sticky_spec("anna", MASTER, 2 * PAUSE_S) == LOW
    assert book.spec_for("anna", MASTER, HIGH, 4 * PAUSE_S) == HIGH
    assert book.spec_for("boris", MASTER, HIGH, 0.0) == HIGH


def test_the_lists_of_segments_are_uses_of_their_ladder() -> None:
    book = a_book()
    stream, part = book.stream_of("anna", "https://lms.example.org/l/144.m3u8", PAUSE_S - 1)
    assert (stream, part) == (MASTER, Part.PICTURE)
    assert book.spec_for("anna", MASTER, HIGH, PAUSE_S + 5) == LOW


def test_what_was_removed_is_told_for_its_learner_alone() -> None:
    book = a_book("720.m3u8", "shared.m3u8", kept=("144.m3u8", "shared.m3u8"))
    base = "https://lms.example.org/l/"
    assert book.is_removed("anna", base + "720.m3u8", 1.0)
    assert book.is_removed("anna", base + "720.m3u8?CMCD=sid%3D1", 1.0)
    assert not book.is_removed("anna", base + "144.m3u8", 1.0)
    assert not book.is_removed("anna", base + "shared.m3u8", 1.0)
    assert not book.is_removed("boris", base + "720.m3u8", 1.0)
    assert not book.is_removed("anna", base + "720.m3u8", KEPT_S + 1)


def test_a_sitting_with_a_wider_cap_forgets_what_was_removed() -> None:
    book = a_book("720.m3u8", "v720/$Number$.m4s")
    assert book.spec_for("anna", MASTER, HIGH, PAUSE_S + 1) == HIGH
    assert not book.is_removed("anna", "https://lms.example.org/l/720.m3u8", PAUSE_S + 2)
    assert not book.is_removed("anna", "https://lms.example.org/l/v720/7.m4s", PAUSE_S + 2)


def test_segments_of_a_removed_representation_are_known_by_their_template() -> None:
    book = a_book("v720/$Number%05d$.m4s", "v720/init.mp4", kept=("v144/$Number%05d$.m4s", "v144/init.mp4"))
    base = "https://lms.example.org/l/"
    assert book.is_removed("anna", base + "v720/00012.m4s", 1.0)
    assert book.is_removed("anna", base + "v720/init.mp4", 1.0)
    assert not book.is_removed("anna", base + "v144/00012.m4s", 1.0)
    assert not book.is_removed("anna", base + "v720/cover.jpg", 1.0)


def test_a_live_manifest_keeps_its_cap_under_its_other_address() -> None:
    book = LadderBook()
    book.spec_for("anna", MASTER, LOW, 0.0)
    book.note("anna", MASTER, kept=[], removed=[], locations=["live.m3u8?s=7"])
    assert book.spec_for("anna", "https://lms.example.org/l/live.m3u8?s=7", HIGH, 1.0) == LOW

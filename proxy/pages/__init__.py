"""Everything a learner sees of Tropa: values in, HTML bytes out; no I/O per request and no clock."""

from proxy.pages.card import MAX_CARD_BYTES, card, forms_foot, light_copies, other_versions, page_bar
from proxy.pages.context import PageContext, PlaceChoice, PlaceView, Savings
from proxy.pages.figures import size_text
from proxy.pages.full import (
    PAGE_CSP,
    embed_card,
    error_page,
    gate_page,
    nothing_page,
    original_confirm,
    refusal_page,
    report_thanks,
)
from proxy.pages.machine import close_reason, moodle_error_json, problem_json
from proxy.pages.place import place_page
from proxy.pages.reasons import teacher_reason
from proxy.pages.static import RESERVED, head_link, static_file, static_href

__all__ = [
    "PageContext",
    "PlaceChoice",
    "PlaceView",
    "Savings",
    "card",
    "other_versions",
    "light_copies",
    "page_bar",
    "forms_foot",
    "MAX_CARD_BYTES",
    "embed_card",
    "gate_page",
    "refusal_page",
    "error_page",
    "original_confirm",
    "place_page",
    "report_thanks",
    "nothing_page",
    "PAGE_CSP",
    "problem_json",
    "moodle_error_json",
    "close_reason",
    "teacher_reason",
    "size_text",
    "RESERVED",
    "head_link",
    "static_file",
    "static_href",
]

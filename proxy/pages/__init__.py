"""Everything a learner sees of Tropa: values in, HTML bytes out; no I/O per request and no clock."""

from proxy.pages.card import card, forms_foot, page_bar
from proxy.pages.context import PageContext, PlaceChoice, PlaceView, Savings
from proxy.pages.figures import size_text
from proxy.pages.reasons import teacher_reason
from proxy.pages.static import RESERVED, head_link, static_file, static_href

__all__ = [
    "PageContext",
    "PlaceChoice",
    "PlaceView",
    "Savings",
    "card",
    "forms_foot",
    "page_bar",
    "size_text",
    "teacher_reason",
    "RESERVED",
    "head_link",
    "static_file",
    "static_href",
]

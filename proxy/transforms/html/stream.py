"""The streaming splicer: runs over the page, hands interesting tags to their handlers, copies all else.

Laws of this file: what no handler changes goes out byte for byte; the output doesn't depend on where the input was
cut; at most LOOKAHEAD and a little more is held back; what fails, fails once, and the rest of the page passes.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.transforms.html import spans
from proxy.transforms.html.charset import declared, is_byte_transparent, looks_wide
from proxy.transforms.html.grammar import RAW_TEXT, TAG, TAG_NAME, WHITESPACE
from proxy.transforms.html.media import scripted_player, size_label
from proxy.transforms.html.opening import Opening, Place
from proxy.transforms.html.page import Page, Step
from proxy.transforms.html.rules import Rules
from proxy.transforms.html.scan import LOOKAHEAD, LOOKAHEAD_IN_ALL, MORE, Lookahead, Waiting, comment_end
from proxy.transforms.html.tag import Tag
from proxy.transforms.html.textfirst import drops_comment
from proxy.transforms.spec import HtmlSpec, PageChanges

_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN = frozenset([b"svg", b"math"])
_LETTERS = re.compile(rb"</?[A-Za-z]")


class Splicer:
    """One page on its way through. write() and end() return what may go out; after end() neither may be called."""

    def __init__(self, spec: HtmlSpec, prefix: bytes = b"") -> None:
        self._spec = spec
        self._page = Page(spec, prefix)
        self._rules = Rules(spec)
        self._opening: Opening | None = Opening()
        self._is_page = False
        self._foot_due = bool(spec.foot)
        self._pending = b""
        self._started = False
        self._passing = False
        self._span: spans.Span | None = None
        self._dropping = False  # the span's bytes go
        self._drop_end = b""  # the end tag of a dropped raw text element goes too
        self._label = b""  # waits for the next </a>
        self._foreign = 0
        self._lookahead_left = LOOKAHEAD_IN_ALL
        self._retry_at = 0  # how long the waiting bytes must be before they are worth another look
        self._hinted = False
        self._out: list[bytes] = []
        self._kept = 0  # in the buffer: the first byte that is neither out nor dropped
        if not is_byte_transparent(spec.charset):
            self._pass("charset")

    @property
    def changes(self) -> PageChanges:
        return self._page.changes

    def write(self, chunk: bytes) -> bytes:
        if self._passing:
            return chunk
        buf = self._pending + chunk if self._pending else chunk
        if len(buf) < self._retry_at:
            self._pending = buf
            return b""
        return self._run(buf, final=False)

    def end(self) -> bytes:
        out = self._run(self._pending, final=True) if not self._passing else b""
        if self._page.late is not None:
            out += self._page.late.rest()
        if self._foot_due and self._is_page and not self._passing and self._span is None:
            return out + self._page.encode(self._spec.foot)
        return out

    # -- the run ------------------------------------------------------------------------------------------------

    def _pass(self, why: str) -> None:
        self._passing = True
        self._page.changes.bailed_out = why

    def _run(self, buf: bytes, *, final: bool) -> bytes:
        self._out, self._kept = [], 0
        self._hinted = self._rules.near_player(buf)
        try:
            stop = self._walk(buf, final)
        except Exception as error:
            # The page is worth more than its improvement: from here on it passes as it is.
            self._pass(f"error: {type(error).__name__}")
            self._dropping = False
            stop = len(buf)
        if self._passing:
            stop = len(buf)
        if stop > self._kept and not self._dropping:
            self._out.append(buf[self._kept : stop])
        self._pending = buf[stop:]
        waiting = len(self._pending)
        # Looking again at every byte that trickles in would be quadratic.
        self._retry_at = min(waiting + waiting // 16, LOOKAHEAD + 1) if waiting > 4096 else 0
        return b"".join(self._out)

    def _walk(self, buf: bytes, final: bool) -> int:
        """Go as far as can be decided; the position of the first byte that has to wait."""
        pos, size = 0, len(buf)
        if not self._started:
            if size < 4 and not final:
                return 0
            self._started = True
            if looks_wide(buf):
                self._pass("charset")
                return size
            pos = 3 if buf.startswith(_BOM) else 0
        while pos < size and not self._passing:
            if self._span is not None:
                pos, going_on = self._through_span(buf, pos, final)
                if not going_on:
                    return pos
                continue
            if not self._drop_end:
                pos = self._run_over(buf, pos)
            if pos >= size or self._passing:
                break
            after = self._token(buf, pos, final)
            if after < 0:
                return pos if not final else size
            pos = after
        return pos

    def _skipping(self) -> re.Pattern[bytes]:
        if self._label:
            return self._rules.skip_to_link_end
        return self._rules.skip_near_players if self._hinted else self._rules.skip

    def _replace(self, buf: bytes, start: int, end: int, out: bytes) -> None:
        self._out.append(buf[self._kept : start])
        self._out.append(out)
        self._kept = end

    # -- spans --------------------------------------------------------------------------------------------------

    def _enter(self, span: spans.Span, *, dropping: bool = False) -> None:
        self._span = span
        self._dropping = dropping

    def _through_span(self, buf: bytes, pos: int, final: bool) -> tuple[int, bool]:
        span = self._span
        assert span is not None
        done, pos = span.find(buf, pos)
        if final and not done:
            pos = len(buf)
        if self._dropping:
            self._kept = pos
        if not done:
            return pos, False
        self._span, self._dropping = None, False
        if span.after:
            self._enter(spans.raw_text(span.after))
        return pos, True

    # -- tokens -------------------------------------------------------------------------------------------------

    def _token(self, buf: bytes, pos: int, final: bool) -> int:
        """Handle the token at pos (a "<"); the position behind what is decided, -1 if more is needed."""
        match = TAG.match(buf, pos)
        if match is None:
            return self._no_tag(buf, pos, final)
        name = match[2].lower()
        if match.end() - pos > LOOKAHEAD:
            return self._long_tag(buf, pos, name, is_end=bool(match[1]))
        if match[1]:
            return self._end_tag(buf, match, name)
        return self._start_tag(buf, Tag(match, name, self._page.decode), final)

    def _no_tag(self, buf: bytes, pos: int, final: bool) -> int:
        """A comment, a declaration, a "<" in text, or a tag that isn't complete."""
        if _LETTERS.match(buf, pos):
            if len(buf) - pos <= LOOKAHEAD:
                return -1
            name = TAG_NAME.match(buf, pos)
            assert name is not None  # _LETTERS saw its first letter
            return self._long_tag(buf, pos, name[1].lower(), is_end=buf[pos + 1 : pos + 2] == b"/")
        head = buf[pos : pos + 9]
        if len(head) < 9 and not final and b">" not in head:
            return -1  # "<", "</", "<!-", "<![CDA" may become anything
        if head.startswith(b"<!--"):
            return self._comment(buf, pos, final)
        if head[:2] not in (b"<!", b"<?", b"</"):
            if self._opening is not None:
                self._settle(buf, pos, self._opening.text(b"<"))
            return pos + 1
        if self._opening is not None:
            end = buf.find(b">", pos) + 1
            if not end and not final and len(buf) - pos <= LOOKAHEAD:
                return -1
            self._opening.declaration(buf[pos : end or pos + 64])
        self._enter(spans.cdata() if self._foreign and head == b"<![CDATA[" else spans.declaration())
        return pos + 2

    def _comment(self, buf: bytes, pos: int, final: bool) -> int:
        end = comment_end(buf, pos)
        if end > 0:
            if drops_comment(self._spec, end - pos, buf[pos : pos + 40]):
                self._replace(buf, pos, end, b"")
            return end
        if len(buf) - pos < 256 and not final:
            return -1
        if final or not drops_comment(self._spec, len(buf) - pos, buf[pos : pos + 40]):
            self._enter(spans.comment())
        else:
            self._replace(buf, pos, pos + 4, b"")
            self._enter(spans.comment(), dropping=True)
        return pos + 4

    def _long_tag(self, buf: bytes, pos: int, name: bytes, *, is_end: bool) -> int:
        """A tag longer than LOOKAHEAD passes as it is; what follows it is looked at again."""
        if self._opening is not None:
            self._settle(buf, pos, self._opening.tag((b"/" if is_end else b"") + name, None))
        if name in _FOREIGN:
            self._foreign = max(0, self._foreign + (-1 if is_end else 1))
        self._enter(spans.LongTag(b"" if is_end else name))
        return pos + 1 + is_end + len(name)

    def _end_tag(self, buf: bytes, match: re.Match[bytes], name: bytes) -> int:
        start, end = match.span()
        if self._opening is not None:
            self._settle(buf, start, self._opening.tag(b"/" + name, None))
        if self._page.late is not None and (sheets := self._page.late.before_end(name)):
            self._replace(buf, start, start, sheets)
        if self._drop_end == name or (name == b"noscript" and not self._spec.keep_scripts):
            self._drop_end = b""
            self._replace(buf, start, end, b"")
        elif name in (b"body", b"html") and self._foot_due and self._is_page and not self._foreign:
            self._foot_due = False
            self._replace(buf, start, start, self._page.encode(self._spec.foot))
        elif name == b"a" and self._label:
            self._replace(buf, end, end, self._label)
            self._label = b""
        elif name in _FOREIGN:
            self._foreign = max(0, self._foreign - 1)
        return end

    def _start_tag(self, buf: bytes, tag: Tag, final: bool) -> int:
        page, name = self._page, tag.name
        if name == b"frameset":
            self._pass("frameset")
            return tag.start
        ahead = Lookahead(buf, tag.start, final, allowed=self._lookahead_left > 0)
        step = self._handled(tag, ahead)
        if step is MORE:
            return -1
        self._lookahead_left -= ahead.spent
        self._drop_end = b""
        place = Place.NOT_YET
        if self._opening is not None:
            place = self._opening.tag(name, tag)
            self._settle(buf, tag.start, place)
            if self._passing:
                return tag.start
        self._note_structure(tag)
        self._sheets_before(buf, tag, step)
        if name == b"a":
            self._label = b""
        if isinstance(step, Step):
            self._replace(buf, tag.start, step.end, step.out)
            if step.drop_content:
                self._enter(spans.raw_text(name), dropping=True)
                self._drop_end = name
            return step.end
        self._write_tag(buf, tag)
        if place is Place.AFTER:
            self._replace(buf, tag.end, tag.end, page.encode(self._spec.head))
        if name == b"a":
            self._label = size_label(page, tag)
        if name in RAW_TEXT and not (self._foreign and tag.self_closing):
            self._enter(spans.raw_text(name))
        elif name in _FOREIGN and not tag.self_closing:
            self._foreign += 1
        return tag.end

    def _sheets_before(self, buf: bytes, tag: Tag, step: Step | None) -> None:
        """Late style sheets whose place is before this tag, unless the tag itself goes."""
        late = self._page.late
        if late is None or (step is not None and step.drop_content):
            return
        if tag.name == b"body":  # what the head asks for is needed first, then these, then the body's scripts
            for url in sorted(late.moved):
                self._page.note_shell(url)
        if sheets := late.before(tag):
            self._replace(buf, tag.start, tag.start, sheets)

    def _near(self, tag: bytes) -> bool:
        return self._hinted and self._rules.near_player(tag)

    def _handled(self, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
        near = self._near(tag.raw)
        for selector in self._rules.selectors:
            if (near or not selector.bar) and selector.matches(tag):
                step = scripted_player(self._page, tag, ahead)
                if step is not None:
                    return step
        handler = self._rules.handlers.get(tag.name)
        return handler(self._page, tag, ahead) if handler else None

    def _note_structure(self, tag: Tag) -> None:
        page = self._page
        if tag.name == b"base" and tag.has(b"href") and page.base == self._spec.page_url:
            page.base = page.url(tag.value(b"href")) or page.base
        elif tag.name == b"meta" and (named := declared(tag)) and named != page.charset:
            page.other_charset = named

    def _write_tag(self, buf: bytes, tag: Tag) -> None:
        raw = tag.spliced() if tag.changed else tag.raw
        cleaner = self._rules.cleaner
        if cleaner is not None:
            raw = cleaner.clean(raw)
        if raw is not tag.raw and raw != tag.raw:
            self._replace(buf, tag.start, tag.end, raw)

    # -- the opening --------------------------------------------------------------------------------------------

    def _run_over(self, buf: bytes, pos: int) -> int:
        """Over what is of no interest; in the opening over white space only."""
        match = (WHITESPACE if self._opening is not None else self._skipping()).match(buf, pos)
        assert match is not None  # both match the empty string
        start, pos = match.span()
        if self._rules.cleaner is not None and self._opening is None and start < pos:
            cleaned = self._rules.cleaner.clean(match[0])
            if cleaned != match[0]:
                self._replace(buf, start, pos, cleaned)
        if self._opening is not None and pos < len(buf) and buf[pos : pos + 1] != b"<":
            self._settle(buf, pos, self._opening.text(buf[pos : pos + 1]))
        return pos

    def _settle(self, buf: bytes, pos: int, place: Place) -> None:
        """The opening has spoken of what stands at pos."""
        if place is Place.NOT_YET:
            return
        assert self._opening is not None
        self._is_page = self._opening.is_page
        self._opening = None
        if place is Place.PASS:
            self._pass("not HTML")
        elif place is Place.BEFORE and self._spec.head:
            self._replace(buf, pos, pos, self._page.encode(self._spec.head))

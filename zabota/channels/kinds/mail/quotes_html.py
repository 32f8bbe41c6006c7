"""Quotes in HTML by the structures that mail programs leave: blockquotes, markers, headers."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from zabota.channels.kinds.mail.attribution import (
    header_block,
    is_attribution,
    is_separator,
    opens_attribution,
)
from zabota.lib.html import MAX_HTML, too_deep
from zabota.lib.text import clean

Element = Any  # lxml ships no types

_BLOCKS = set(
    "address article aside blockquote body br center dd div dl dt fieldset figure footer form h1 "
    "h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td tfoot th thead tr "
    "ul".split()
)
_QUOTE_CLASSES = {
    *("yahoo_quoted", "protonmail_quote", "tutanota_quote", "zmail_extra", "gmail_quote_container"),
    *("gmail_quote", "mailru-blockquote", "cite_quote", "replycontent"),
}
_REST_IDS = {
    *("divrplyfwdmsg", "x_divrplyfwdmsg", "appendonsend", "x_appendonsend", "stopspelling"),
    *("olk_src_body_section", "mail-editor-reference-message-container", "reply-intro"),
    *("isreplycontent", "orimsghtmlseperator"),
}
_REST_CLASSES = {
    "outlookmessageheader",
    "ms-outlook-mobile-reference-message",
    "moz-forward-container",
}
_OWN_CLASSES = {"zabota-message", "x_zabota-message"}  # Outlook drops data-*, prefixes classes
_ANNOUNCING_CLASSES = {"moz-cite-prefix", "gmail_attr", "yahoo_quoted_begin"}


@dataclass
class _Line:
    """One visual line: its text and the text nodes it is made of (element, whether its tail)."""

    text: str
    nodes: list[tuple[Element, bool]]


@dataclass
class _Mark:
    """A structural element: `rest` when everything from it on is the quote."""

    element: Element
    rest: bool
    announces: bool = False


Token = _Line | _Mark


def split_html(html: str) -> tuple[str, str] | None:
    """Reply and quote of raw HTML, both raw; None when there is no certain quote."""
    if not html.strip() or len(html) > MAX_HTML or too_deep(html):
        return None
    try:
        parser = lxml_html.HTMLParser(
            remove_comments=True, remove_pis=True, encoding="utf-8", recover=True
        )
        document = lxml_html.document_fromstring(clean(html).encode(), parser=parser)
        body = document.find("body")
        body = document if body is None else body
        quoted = _quoted(_tokens(body))
        return _halves(body, quoted) if quoted else None
    except (etree.LxmlError, ValueError, AssertionError, RecursionError):
        return None


def _words(element: Element, name: str) -> set[str]:
    return set((element.get(name) or "").lower().split())


def _mark(element: Element) -> _Mark | None:
    """The role that tag, id, class and data attribute give to `element`."""
    tag, classes, ids = element.tag, _words(element, "class"), _words(element, "id")
    if element.get("data-zabota") == "message" or classes & _OWN_CLASSES:
        return _Mark(element, rest=False)
    if ids & _REST_IDS or classes & _REST_CLASSES:
        return _Mark(element, rest=True)
    if tag == "blockquote" and (
        (element.get("type") or "").lower() == "cite" or "gmail_quote" in classes
    ):
        return _Mark(element, rest=False)
    if classes & _ANNOUNCING_CLASSES:
        return _Mark(element, rest=False, announces=True)
    if classes & _QUOTE_CLASSES:
        # Answers between the quotes stand inside Gmail's container: look into it.
        inner = element.find(".//blockquote") is not None
        return None if inner else _Mark(element, rest=False)
    return None


def _begins_with_attribution(quote: Element) -> bool:
    text = ""
    for piece in islice((piece for piece in quote.itertext() if piece.strip()), 6):
        text = f"{text} {piece.strip()}"
        if is_attribution(text):
            return True
    return False


def _announces(token: Token) -> bool:
    return token.announces if isinstance(token, _Mark) else is_attribution(token.text)


def _tokens(body: Element) -> list[Token]:
    """Visual lines and structural elements in document order."""
    tokens: list[Token] = []
    line: _Line | None = None

    def add(text: str | None, element: Element, tail: bool) -> None:
        nonlocal line
        if text and (line or text.strip()):
            if line is None:
                line = _Line("", [])
                tokens.append(line)
            line.text += text
            line.nodes.append((element, tail))

    walk = etree.iterwalk(body, events=("start", "end"))
    for event, element in walk:
        if element.tag in _BLOCKS:
            line = None
        if event == "end":
            if element is not body:
                add(element.tail, element, True)
            continue
        mark = _mark(element)
        if mark is None and element.tag == "blockquote":
            before = tokens[-1] if tokens else None
            if (before and _announces(before)) or _begins_with_attribution(element):
                mark = _Mark(element, rest=False)
        if mark or element.tag in {"script", "style", "title", "head"}:
            if mark:
                tokens.append(mark)
                line = None
            walk.skip_subtree()
            continue
        add(element.text, element, False)
    return tokens


def _quoted(tokens: list[Token]) -> list[tuple[Token, bool]]:
    """The quoted tokens, each with whether everything after it is quoted too."""
    found: list[tuple[Token, bool]] = []
    gap = False  # reply text after the first quote
    texts = [" ".join(token.text.split()) if isinstance(token, _Line) else "" for token in tokens]
    for index, token in enumerate(tokens):
        if isinstance(token, _Mark):
            if token.rest:
                return [*found, (token, True)] if not gap else []
            if gap:
                return []
            found.append((token, False))
        elif follower := _announced(tokens, texts, index):
            if gap:
                return []
            if follower > 0:
                found += [(piece, False) for piece in tokens[index:follower]]
            else:
                return [*found, (token, True)]
        elif found and texts[index] and not any(piece is token for piece, _ in found):
            gap = True
    return (
        found if any(isinstance(token, _Mark) and not token.announces for token, _ in found) else []
    )


def _announced(tokens: list[Token], texts: list[str], index: int) -> int:
    """Index of the quote that a line announces, -1 when all the rest is quoted, 0 for nothing."""
    text = texts[index]
    if not text:
        return 0
    if is_separator(text) or header_block(texts, index):
        return -1
    for count in (1, 2, 3):
        piece = tokens[index : index + count]
        if len(piece) < count or not isinstance(piece[-1], _Line):
            return 0
        if texts[index + count - 1].endswith(":") and is_attribution(
            " ".join(texts[index : index + count])
        ):
            later = (" ".join(texts[index + n : index + count]) for n in range(1, count))
            if any(map(is_attribution, later)) and not opens_attribution(text):
                return 0
            after = index + count
            while after < len(tokens) and isinstance(tokens[after], _Line) and not texts[after]:
                after += 1
            is_mark = after < len(tokens) and isinstance(tokens[after], _Mark)
            return after if is_mark else -1
    return 0


def _elements(token: Token) -> list[Element]:
    """The elements of a token; text nodes are first wrapped in spans of their own."""
    return [token.element] if isinstance(token, _Mark) else [_wrap(*node) for node in token.nodes]


def _wrap(element: Element, tail: bool) -> Element:
    span = lxml_html.Element("span")
    if tail:
        span.text, element.tail = element.tail, None
        element.addnext(span)
    else:
        span.text, element.text = element.text, None
        element.insert(0, span)
    return span


def _halves(body: Element, quoted: list[tuple[Token, bool]]) -> tuple[str, str]:
    """Serialised reply and quote; the reply is what remains of `body`."""
    quote = lxml_html.Element("div")
    for token, rest in quoted:
        nodes = _elements(token)
        if rest:
            _move_rest(nodes[0], body, quote)
            break
        for node in nodes:
            _detach(node, quote, keep_tail=True)
        if isinstance(token, _Line):
            quote.append(lxml_html.Element("br"))
    return _inner(body), _inner(quote)


def _move_rest(node: Element, body: Element, quote: Element) -> None:
    """Move `node` and everything behind it, up to the end of `body`."""
    following = [node, *node.itersiblings()]
    ancestor = node.getparent()
    while ancestor is not None and ancestor is not body:
        parent_following = list(ancestor.itersiblings())
        for element in following:
            _detach(element, quote, keep_tail=False)
        _move_tail(ancestor, quote)
        following, ancestor = parent_following, ancestor.getparent()
    for element in following:
        _detach(element, quote, keep_tail=False)


def _move_tail(element: Element, quote: Element) -> None:
    if element.tail and element.tail.strip():
        span = lxml_html.Element("span")
        span.text = element.tail
        quote.append(span)
    element.tail = None


def _detach(element: Element, quote: Element, keep_tail: bool) -> None:
    """Move `element` to the end of `quote`; its tail text stays behind when `keep_tail`."""
    parent = element.getparent()
    if parent is None:
        return
    if keep_tail and element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
        element.tail = None
    quote.append(element)


def _inner(element: Element) -> str:
    wrapper = copy.copy(element)
    wrapper.tag, wrapper.tail = "div", None
    for name in list(wrapper.attrib):
        del wrapper.attrib[name]
    return str(lxml_html.tostring(wrapper, encoding="unicode"))

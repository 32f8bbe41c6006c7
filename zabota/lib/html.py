"""HTML of strangers made harmless, HTML to text and text to HTML."""

from __future__ import annotations

import html as entities
import re
import secrets
from collections.abc import Mapping
from urllib.parse import unquote

import nh3
from inscriptis import get_text
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.model.config import ParserConfig

from zabota.lib.text import clean

MAX_HTML = 1_000_000  # characters; what is longer is cut by the functions below
# html5ever walks the stack of open elements for every block: 100,000 nested <div> took 33 s.
# libxml2 silently drops what lies deeper than 255.
MAX_DEPTH = 200
MAX_ENTITIES = 50_000  # html5ever copies the text at each one: a million took 9 s

TAGS = set(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col "
    "colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 "
    "header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span "
    "strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr".split()
)
REMOVED_WITH_CONTENT = {
    *("script", "style", "title", "head", "template", "iframe", "object", "embed", "noembed"),
    *("noframes", "svg", "math", "audio", "video", "canvas", "select", "textarea", "xmp"),
}
_CELL = {"align", "valign", "width", "height", "bgcolor", "colspan", "rowspan", "nowrap"}
ATTRIBUTES = {
    "*": {"style", "dir", "lang", "title", "align"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "border"},
    "table": {"width", "height", "border", "cellpadding", "cellspacing", "bgcolor", "align"},
    "td": _CELL,
    "th": _CELL | {"scope"},
    "tr": {"align", "valign", "bgcolor"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "hr": {"width", "size", "color"},
    "time": {"datetime"},
    "bdo": {"dir"},
}
_BOX = ("", "-top", "-right", "-bottom", "-left")
CSS = {
    *(f"padding{side}" for side in _BOX),
    *(f"margin{side}" for side in _BOX),
    *(f"border{side}" for side in _BOX),
    *(f"border{side}-{part}" for side in _BOX for part in ("color", "style", "width")),
    *("border-collapse", "border-radius", "border-spacing", "background-color", "color"),
    *("direction", "display", "font", "font-family", "font-size", "font-style", "font-variant"),
    *("font-weight", "height", "letter-spacing", "line-height", "list-style-type", "max-height"),
    *("max-width", "min-height", "min-width", "overflow-wrap", "table-layout", "text-align"),
    *("text-decoration", "text-indent", "text-transform", "unicode-bidi", "vertical-align"),
    *("white-space", "width", "word-break", "word-spacing", "word-wrap", "float", "clear"),
}
# No url(), expression(), escapes, comments or at-rules; colour functions are the only ones let in.
_CSS_VALUE = re.compile(
    r"(?:[\w\s#%.,'\"!+-]|\b(?:rgb|rgba|hsl|hsla)\([\d\s.,%/deg-]*\)){1,300}", re.IGNORECASE
)
_LINK = re.compile(r"(?i)^(?:https?://|mailto:|tel:|#)")
_REMOTE = re.compile(r"(?i)^(?:https?:)?//")
# What marks a remote source between the filter and the replacement; nobody outside can write it.
_TOKEN = f"https://{secrets.token_hex(16)}.invalid/"
_BLOCKED = re.compile(r'(<img\b[^<>]*?) data-remote-src="')
_CID = re.compile(r'(<img\b[^<>]*?) src="cid:([^"]*)"')
_TAG_OPEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements that mails leave open or that have no end: they say nothing about the depth.
_UNCLOSED = set(
    "area base br col dd dt hr img input li link meta option p param source tbody td th thead "
    "tr wbr html head body".split()
)
_DROPPED = re.compile(r"(?is)<(script|style|title|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)")
_BREAK = re.compile(r"(?i)<(?:br|/p|/div|/tr|/h[1-6]|/li|/blockquote|hr)\b[^<>]*>")
_ANY_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_TEXT_LINK = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"']+)|(?P<mail>\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
)
_PARSER = ParserConfig(css=STRICT_CSS_PROFILE, display_images=False, display_links=False)


def _style(value: str) -> str | None:
    kept = []
    for declaration in value.split(";")[:60]:
        name, colon, rest = declaration.partition(":")
        name, rest = name.strip().lower(), rest.strip()
        if colon and name in CSS and _CSS_VALUE.fullmatch(rest):
            kept.append(f"{name}:{rest}")
    return ";".join(kept) or None


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return _style(value)
    if name == "href":
        value = value.strip()
        return value if _LINK.match(value) else None
    if name == "src":
        value = value.strip()
        if _REMOTE.match(value):
            return _TOKEN + ("https:" + value if value.startswith("//") else value)
        return value if value[:4].lower() == "cid:" else None
    return value


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=REMOVED_WITH_CONTENT,
    attributes=ATTRIBUTES,
    attribute_filter=_attribute,
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes={"http", "https", "mailto", "tel", "cid"},
)


def too_deep(html: str) -> bool:
    """Whether more elements are open at once than a parser can bear."""
    depth = 0
    for closing, name in _TAG_OPEN.findall(html):
        if name.lower() in _UNCLOSED:
            continue
        depth += -1 if closing and depth else (0 if closing else 1)
        if depth > MAX_DEPTH:
            return True
    return False


def clean_html(html: str) -> str:
    """`html` without anything active; remote pictures wait in `data-remote-src`.

    Kept are the elements of TAGS, the properties of CSS, links that open elsewhere, and pictures
    of the mail itself (`cid:`). Longer input is cut at MAX_HTML characters; HTML nested deeper
    than MAX_DEPTH or made of entities comes back as its plain text.
    """
    html = clean(html[:MAX_HTML])
    html = html.replace("&nbsp;", "\xa0")
    if html.count("&") > MAX_ENTITIES or too_deep(html):
        return text_to_html(strip_tags(html))
    cleaned = _CLEANER.clean(html)
    return cleaned.replace(f' src="{_TOKEN}', ' data-remote-src="')


def has_remote(html: str) -> bool:
    """Whether cleaned `html` holds pictures that were blocked."""
    return _BLOCKED.search(html) is not None


def allow_remote(html: str) -> str:
    """Cleaned `html` with the blocked pictures switched on."""
    return _BLOCKED.sub(r'\1 src="', html)


def resolve_cids(html: str, mapping: Mapping[str, str]) -> str:
    """Cleaned `html` with `cid:` sources replaced by addresses.

    `mapping` leads from Content-ID (without < >) to address. A picture without an entry loses
    its source and shows its alternative text.
    """

    def address(match: re.Match[str]) -> str:
        name = entities.unescape(match[2]).strip().strip("<>")
        found = mapping.get(name) or mapping.get(unquote(name))
        return f'{match[1]} src="{entities.escape(found)}"' if found else match[1]

    return _CID.sub(address, html)


def strip_tags(html: str) -> str:
    """Text of `html` by rule of thumb, for what no parser bears."""
    text = _BREAK.sub("\n", _DROPPED.sub(" ", html[:MAX_HTML]))
    return tidy(entities.unescape(_ANY_TAG.sub("", text)))


def tidy(text: str) -> str:
    """`text` without trailing blanks and without more than one empty line in a row."""
    lines = [line.rstrip(" \t\xa0\u200b") for line in clean(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def html_to_text(html: str) -> str:
    """Readable text of `html`; never fails, reads at most MAX_HTML characters."""
    html = clean(html[:MAX_HTML])
    if not html.strip():
        return ""
    if too_deep(html):
        return strip_tags(html)
    try:
        return tidy(get_text(html, _PARSER))
    except (ValueError, AttributeError, TypeError, IndexError, KeyError, RecursionError):
        # lxml and inscriptis fail on some broken documents, e.g. one that is only a comment.
        return strip_tags(html)


def _linked(match: re.Match[str]) -> str:
    if match["mail"]:
        return f'<a href="mailto:{match["mail"]}">{match["mail"]}</a>'
    url, tail = match["url"], ""
    while url and url[-1] in ".,;:!?)]»":
        if url[-1] == ")" and url.count("(") >= url.count(")"):
            break
        url, tail = url[:-1], url[-1] + tail
    escaped = entities.escape(url)
    return (
        f'<a href="{escaped}" rel="noopener noreferrer nofollow" target="_blank">{escaped}</a>'
        f"{entities.escape(tail)}"
    )


def text_to_html(text: str) -> str:
    """`text` escaped, in paragraphs, with line breaks and clickable links."""
    paragraphs = []
    for paragraph in re.split(r"\n[ \t]*\n", clean(text).strip("\n")):
        parts, end = [], 0
        for match in _TEXT_LINK.finditer(paragraph):
            parts += [entities.escape(paragraph[end : match.start()], quote=False), _linked(match)]
            end = match.end()
        parts.append(entities.escape(paragraph[end:], quote=False))
        body = "".join(parts).strip("\n").replace("\n", "<br>")
        if body:
            paragraphs.append(f"<p>{body}</p>")
    return "".join(paragraphs)

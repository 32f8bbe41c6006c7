"""An envelope to the bytes of a mail. The same envelope gives the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email.headerregistry import Address as HeaderAddress
from email.utils import format_datetime

from zabota.channels.contract import Address, Envelope, OutgoingFile, PermanentError
from zabota.channels.kinds.mail.writing import (
    MAX_PLAIN,
    encoded,
    file_part,
    header,
    multipart,
    text_part,
)
from zabota.lib import clock
from zabota.lib.html import text_to_html
from zabota.lib.text import one_line, safe_filename

Loader = Callable[[str], bytes]
MAX_REFERENCES = 20  # besides the first: longer headers are refused or cut by some servers
LONGEST_NAME = 500
_TOKEN = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+$")
_SENSELESS = re.compile(r"[\s@<>()\[\],;:\"\\]")
_NAME = re.compile(r"^[!-9;-~]+$")
_TYPE = re.compile(r"^[\w!#$&^.+-]{1,60}/[\w!#$&^.+-]{1,60}$")
_OWN = frozenset(
    "message-id in-reply-to references from to cc reply-to sender subject date mime-version bcc "
    "auto-submitted x-auto-response-suppress content-type content-transfer-encoding".split()
)


def _shown(address: Address) -> str:
    """The address as it stands in a header; raises PermanentError where it cannot be written."""
    name, spec = one_line(address.name), one_line(address.email)
    username, _, domain = spec.rpartition("@")
    try:
        HeaderAddress("", username, domain)
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except (ValueError, IndexError) as error:
        raise PermanentError(f"The address {address.email!r} cannot be written.") from error
    if not username or not domain or _SENSELESS.search(username + domain):
        raise PermanentError(f"The address {address.email!r} cannot be written.")
    spec = f"{username}@{domain}"
    if not name:
        return spec
    if not name.isascii() or len(name) > LONGEST_NAME or "=?" in name:
        return f"{encoded(name, MAX_PLAIN)}\r\n <{spec}>"
    quoted = name if _TOKEN.match(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{quoted} <{spec}>"


def needs_utf8(envelope: Envelope) -> bool:
    """Whether an address has letters beyond ASCII before its @, so that SMTPUTF8 is required."""
    everybody = (envelope.sender, *envelope.to, *envelope.cc, *envelope.reply_to)
    return any(not address.email.rpartition("@")[0].isascii() for address in everybody)


def compose(envelope: Envelope, load: Loader) -> bytes:
    """The mail of `envelope`; `load` gives the bytes of a file by its SHA-256.

    Line breaks in names, subject and header values are removed, so that nothing can be injected.
    Raises PermanentError when an address cannot be written.
    """
    text = envelope.text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    html = _wrapped(envelope.html or text_to_html(envelope.text))
    pictures = [file for file in envelope.files if file.inline and file.content_id]
    shown = [text_part("html", html)]
    shown += [_picture(file, load) for file in pictures]
    seed = envelope.message_id
    body = multipart(
        "alternative", [text_part("plain", text), multipart("related", shown, seed)], seed
    )
    files = [_file(file, load) for file in envelope.files if file not in pictures]
    head = _headers(envelope) + header("MIME-Version", "1.0")
    # Letters beyond ASCII only in addresses that need SMTPUTF8 (RFC 6532).
    return head.encode() + multipart("mixed", [body, *files], seed)


def _picture(file: OutgoingFile, load: Loader) -> bytes:
    content_id = one_line(file.content_id).strip("<>")
    return file_part(load(file.sha256), _media_type(file), safe_filename(file.name), content_id)


def _file(file: OutgoingFile, load: Loader) -> bytes:
    return file_part(load(file.sha256), _media_type(file), safe_filename(file.name))


def _headers(envelope: Envelope) -> str:
    rows = [header("From", _shown(envelope.sender))]
    people = {"To": envelope.to, "Cc": envelope.cc, "Reply-To": envelope.reply_to}
    for name, addresses in people.items():
        if addresses:
            rows.append(header(name, ",\r\n ".join(_shown(one) for one in addresses)))
    rows.append(header("Subject", encoded(one_line(envelope.subject), len("Subject: "))))
    rows.append(header("Date", format_datetime(envelope.date or clock.now())))
    answered = [envelope.in_reply_to] if envelope.in_reply_to else []
    named = {
        "Message-ID": [envelope.message_id],
        "In-Reply-To": answered,
        "References": capped_references(envelope),
    }
    rows += [header(name, shown) for name, ids in named.items() if (shown := _ids(ids))]
    if envelope.automatic:
        # RFC 3834 §5.1.6 and the header by which Exchange keeps silent.
        rows.append(header("Auto-Submitted", "auto-replied"))
        rows.append(header("X-Auto-Response-Suppress", "All"))
    seen = set(_OWN)
    for name, value in envelope.headers.items():
        if _NAME.match(name) and name.lower() not in seen:
            seen.add(name.lower())
            rows.append(header(name, encoded(one_line(value), len(name) + 2)))
    return "".join(rows)


def capped_references(envelope: Envelope) -> list[str]:
    """References with In-Reply-To at the end: the first one and the last 20."""
    chain = list(dict.fromkeys(envelope.references))
    if envelope.in_reply_to:
        chain = [known for known in chain if known != envelope.in_reply_to]
        chain.append(envelope.in_reply_to)
    return chain if len(chain) <= MAX_REFERENCES + 1 else [chain[0], *chain[-MAX_REFERENCES:]]


def _ids(ids: Iterable[str]) -> str:
    cleaned = (re.sub(r"[\s<>]", "", one_line(name)) for name in ids)
    # A client's Message-ID with letters beyond ASCII cannot be repeated in a 7-bit header.
    return "\r\n ".join(f"<{name}>" for name in cleaned if name and name.isascii())


def _wrapped(html: str) -> str:
    """`html` as a page whose body carries our mark: a reply to it is split there."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
        f'<div class="zabota-message" data-zabota="message">{html}</div></body></html>\n'
    )


def _media_type(file: OutgoingFile) -> str:
    kind = file.content_type.lower()
    # A nested message or multipart may not be base64 (RFC 2046 §5.2.1): sent as plain bytes.
    if not _TYPE.match(kind) or kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    return kind

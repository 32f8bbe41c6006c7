"""`zabota mail explain`: what is understood of a mail, one line of JSON per file.

Neither database nor settings are needed: the same parser as for arriving mail, and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zabota.channels.contract import Address, ParsedMessage, ParseError, Robot
from zabota.channels.kinds.mail.mime import parse

KINDS = {Robot.NONE: "ordinary", Robot.LOOP: "auto_generated"}


def explain(paths: Iterable[str]) -> int:
    """Print a line for each file, in this order; 0 when all could be understood, else 1."""
    failed = 0
    for path in paths:
        told = of_file(path)
        failed += bool(told["errors"])
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 1 if failed else 0


def of_file(path: str) -> dict[str, Any]:
    """What is understood of one file; `errors` says why nothing is."""
    try:
        return _told(parse(Path(path).read_bytes()))
    except OSError as error:
        return _nothing(f"not read: {error.strerror or type(error).__name__}")
    except ParseError as error:
        return _nothing(str(error))
    except Exception as error:
        # One mail that we stumble over must not hide what is said of the others.
        return _nothing(f"an error of our own: {type(error).__name__}: {error}")


def _told(mail: ParsedMessage) -> dict[str, Any]:
    bounce = mail.bounce
    return {
        "from": mail.sender.email,
        "from_name": mail.sender.name,
        "to": [one.email for one in mail.to],
        "cc": [one.email for one in mail.cc],
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id,
        "references": list(mail.references),
        "kind": KINDS.get(mail.robot, str(mail.robot)),
        "bounce": {"recipient": bounce.recipient, "status": bounce.status} if bounce else None,
        "forwarded_from": _original(mail.forwarded_from),
        "text": mail.text,
        "reply": mail.said,
        "quoted": mail.quoted,
        "signature": mail.signature,
        "html": mail.html,
        "attachments": [
            {"name": one.name, "type": one.content_type, "size": one.size, "inline": one.inline}
            for one in mail.files
        ],
        "repairs": list(mail.repairs),
        "errors": [],
    }


def _original(sender: Address | None) -> str | None:
    return (sender.email or sender.name) if sender else None


def _nothing(error: str) -> dict[str, Any]:
    nobody = ParsedMessage(Address(""), (), (), (), "", "", (), (), None, "", "", "", "")
    return _told(nobody) | {"kind": "", "errors": [error]}

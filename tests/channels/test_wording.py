"""What channels write down in technical English has words in Russian."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from zabota.channels import registry
from zabota.channels.contract import ParseError
from zabota.channels.wording import in_words

SAMPLES = sorted((Path(__file__).parents[1] / "samples" / "mail").rglob("*.eml"))
HEADER = re.compile(r"[A-Z][\w-]+: \S+|multipart/report.*")


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("", ""),
        ("no Date", "нет даты"),
        ("List-Id is present", "есть заголовок List-Id"),
        (
            "charset 'x' is wrong: read as utf-8 with replacements",
            "кодировка 'x' указана неверно: прочитано как utf-8 с заменой нечитаемых знаков",
        ),
        (
            "No connection to mail.example:993: [Errno 111] no: way",
            "Нет связи с mail.example:993: [Errno 111] no: way",
        ),
        ("Auto-Submitted: auto-replied", "Auto-Submitted: auto-replied"),
        ("550 something of their own", "550 something of their own"),
    ],
)
def test_in_words(stored: str, said: str) -> None:
    with translation.override("ru"):
        assert in_words(stored) == said
    with translation.override("en"):
        assert in_words(stored) == stored


def test_every_repair_and_sign_of_the_samples_has_words() -> None:
    assert SAMPLES
    written = set()
    for sample in SAMPLES:
        try:
            parsed = registry.kind("mail").parse(sample.read_bytes())
        except ParseError as error:
            written.add(str(error))
        else:
            written |= {*parsed.repairs, parsed.robot_sign} - {""}
    assert len(written) > 10
    with translation.override("ru"):
        mute = [text for text in written if in_words(text) == text and not HEADER.fullmatch(text)]
    assert mute == []

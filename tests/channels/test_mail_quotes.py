from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zabota.channels.kinds.mail.mime import parse
from zabota.channels.kinds.mail.quotes import split_body, split_text
from zabota.lib.html import html_to_text

SAMPLES = Path(__file__).parents[1] / "samples" / "mail"
PLAIN = sorted(SAMPLES.glob("reply-plain-*.eml"))
HTML = sorted(SAMPLES.glob("reply-html-*.eml"))
NO_SPLIT = {"reply-plain-interleaved", "reply-html-interleaved"}


def words(text: str) -> list[str]:
    return text.replace(">", " ").split()


@pytest.mark.parametrize(
    "path", [path for path in PLAIN + HTML if path.stem not in NO_SPLIT], ids=lambda path: path.stem
)
def test_reply_of_each_mail_program(path: Path) -> None:
    message = parse(path.read_bytes())
    expected = ["Спасибо,", "заработало!", "Ольга"]
    if path.stem == "reply-html-our-mark":
        expected += ["Кто-то", "писал:"]
    assert message.reply.split() == expected
    assert "Перезагрузите, пожалуйста, роутер." in message.quoted
    assert len(words(message.reply) + words(message.quoted)) >= len(words(message.text))
    if message.html:
        assert "Перезагрузите" not in message.html_reply
        assert "Перезагрузите" in message.html_quoted
        assert "Спасибо" in message.html_reply
        assert "Спасибо" not in message.html_quoted


@pytest.mark.parametrize("name", sorted(NO_SPLIT))
def test_answers_between_quotes_stay_with_their_questions(name: str) -> None:
    message = parse((SAMPLES / f"{name}.eml").read_bytes())
    assert message.quoted == ""
    for word in ("Синий", "Горит", "роутер?"):
        assert word in message.reply


NOT_QUOTES = [
    "Иван написал(а) нам:\nвсё сломалось",
    "Вот что вышло 22.11.2026:\n1. Не работает",
    "Позвоните мне 22.11.2026 в 10:00",
    "Тема: новая\nи ещё строка",
    "От: меня одного",
    "From: the beginning it did not work",
    "Мой адрес olga@client.example:\nпроверьте его",
    "a > b\n2 > 1",
    "On Monday I called you and you wrote nothing",
    "Дата: 22.11.2026\nТема: жалоба",
]


@pytest.mark.parametrize("text", NOT_QUOTES)
def test_ordinary_sentences_stay(text: str) -> None:
    assert split_text(f"Здравствуйте!\n{text}\nСпасибо.") == (
        f"Здравствуйте!\n{text}\nСпасибо.",
        "",
    )


HEADERS = [
    "пн, 6 окт. 2026 г. в 9:05, Имя <a@b.example>:",
    "пн, 6 окт. 2026 г. в 9:05, Имя <a@b.example> написал(а):",
    "понедельник, 6 октября 2014 г. пользователь X написал:",
    "06.10.2026, 09:05, a@b.example:",
    "06.10.2026 9:05, Иван Петров пишет:",
    "6 октября 2026 г. 9:05:11 пользователь Имя (a@b.example) написал:",
    "Вы писали 6 октября 2026 г., 9:05:11:",
    "On Mon, Oct 6, 2026 at 9:05 AM, Name <a@b.example> wrote:",
    "On 06.10.2026 09:05, Name wrote:",
    "Am 06.10.2026 um 09:05 schrieb Name:",
    "Le lun. 6 oct. 2026 à 09:05, Name <a@b.example> a écrit :",
    "El lun, 6 oct 2026 a las 9:05, Name (<a@b.example>) escribió:",
]


@pytest.mark.parametrize("header", HEADERS)
def test_attribution_before_a_quote(header: str) -> None:
    reply, quoted = split_text(f"Да\n\n{header}\n> старое\n> ещё")
    assert reply == "Да"
    assert quoted == f"{header}\n> старое\n> ещё"


@pytest.mark.parametrize(
    "separator",
    [
        "-----Original Message-----",
        "-----Исходное сообщение-----",
        "-------- Пересылаемое сообщение --------",
        "-------- Перенаправленное сообщение --------",
        "От: Забота\nКому: Ольга\nДата: 22 ноября",
        "От кого: Забота <a@b.example>\nКому: Ольга\nДата: 22 ноября",
        "*From:* Zabota\n*Sent:* Monday\n*To:* Olga",
    ],
)
def test_separators(separator: str) -> None:
    reply, quoted = split_text(f"Да\n\n{separator}\n\nстарое")
    assert reply == "Да"
    assert quoted == f"{separator}\n\nстарое"


def test_only_a_quote_is_shown_whole() -> None:
    text = "-----Original Message-----\nFrom: a@b.example\nTo: c\n\nold"
    assert split_text(text) == (text, "")
    html = '<blockquote type="cite">старое</blockquote>'
    assert split_body("старое", html).reply == "старое"


def test_last_line_of_the_reply_is_not_swallowed() -> None:
    reply, _ = split_text("Не работает с 21.11.2026\nOn Mon, Oct 6, 2026, X <\na@b.c> wrote:\n> x")
    assert reply == "Не работает с 21.11.2026"


def test_html_text_after_the_quote_is_reply() -> None:
    html = '<div>До</div><blockquote type="cite">старое</blockquote>После<div>и это</div>'
    split = split_body("", html)
    assert split.reply.split() == ["До", "После", "и", "это"]
    assert split.quoted.strip() == "старое"


def test_answer_inside_gmail_container_is_reply() -> None:
    html = (
        '<div>Да</div><div class="gmail_quote"><div class="gmail_attr">вс, 22 нояб. 2026 г. в '
        "10:00, Забота &lt;a@b.example&gt;:</div>"
        '<blockquote class="gmail_quote">старое</blockquote>'
        "<div>и ещё вопрос</div></div>"
    )
    split = split_body("", html)
    assert "и ещё вопрос" in split.reply
    assert "старое" not in split.reply


def test_plain_blockquote_without_attribution_is_text() -> None:
    html = "<p>Цитата из договора:</p><blockquote>пункт 5</blockquote><p>Верно?</p>"
    split = split_body(html_to_text(html), html)
    assert split.quoted == ""
    assert "пункт 5" in split.reply


def test_outlook_header_over_source_lines() -> None:
    html = (
        "<p>Да</p><p><b>From:</b> Name [mailto:a@b.example]\n<b>On Behalf Of</b> x<br>\n"
        "<b>Sent:</b> Monday<br><b>To:</b> Olga</p><p>старое</p>"
    )
    split = split_body("", html)
    assert split.reply == "Да"
    assert split.quoted.startswith("From:")


LINES = st.sampled_from(
    [
        *("да", "", "> q", ">> q", "От: a", "Кому: b", "22.11.2026, 10:00, a@b.c:"),
        *("-----Original Message-----", "On Oct 6, 2026 <", "a@b.c> wrote:", "ok"),
        *("________________", "пишет:"),
    ]
)


@given(st.lists(LINES, max_size=30))
def test_no_word_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    reply, quoted = split_text(text)
    assert sorted((reply + "\n" + quoted).split()) == sorted(text.split())


PIECES = st.sampled_from(
    [
        *("один ", "<div>два</div>", "<br>", "22.11.2026, 10:00, a@b.example:"),
        *("три<b>четыре</b>", "<blockquote type=cite>пять</blockquote>", "<div>", "</div>"),
        *("<blockquote>шесть</blockquote>", '<div class="gmail_quote">', "<p>семь"),
        *("От: a<br>Кому: b<br>", '<div id="appendonsend"></div>', "<table><tr><td>восемь"),
        '<div class="moz-cite-prefix">22.11.2026 10:00, X пишет:</div>',
    ]
)


@given(st.lists(PIECES, max_size=15))
def test_no_word_of_html_is_lost(pieces: list[str]) -> None:
    html = "".join(pieces)
    split = split_body("", html)
    if split.html_quoted:
        both = words(split.reply + " " + split.quoted)
        for word in ("один", "два", "пять", "шесть", "семь", "восемь", "a@b.example:"):
            assert " ".join(both).count(word) == html.count(word)


@pytest.mark.parametrize(
    "quote",
    [
        '<div data-zabota="message">старое</div>',
        '<div class="x_zabota-message">старое</div>',
        '<div class="yahoo_quoted">старое</div>',
        '<div class="gmail_quote">старое</div>',
        '<blockquote type="CITE">старое</blockquote>',
    ],
)
def test_answer_below_a_container_is_not_swallowed(quote: str) -> None:
    split = split_body("", f"<div>Выше</div>{quote}<div>Ниже</div>")
    assert split.reply.split() == ["Выше", "Ниже"]
    assert split.quoted.strip() == "старое"

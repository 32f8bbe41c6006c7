"""Search: Russian and English forms, people, numbers, the other keyboard layout, rights."""

from __future__ import annotations

import pytest

from tests import make
from tests.drain import drain
from zabota.desk import inbox
from zabota.staff.models import Agent
from zabota.tickets import actions, search, spelling
from zabota.tickets.models import SearchText, Ticket, Vocabulary

pytestmark = pytest.mark.django_db


def found(agent: Agent, text: str) -> list[int]:
    return [line.number for line in inbox.search(agent, text).page.lines]


@pytest.fixture
def vera() -> Agent:
    return make.agent("Вера Зорина")


def ticket(subject: str, text: str = "Здравствуйте!", **options: object) -> Ticket:
    made = make.ticket(subject, text=text, **options)
    drain()
    return made


@pytest.mark.parametrize(
    "words",
    [
        "счета", "счёт", "СЧЕТ", "ноябрь", "не пришёл счёт за ноябрь", "оплатили", "оплатить сч",
        "лебедев", "Пётр", "петр", "p.lebedev", "romashka.example", "p.lebedev@romashka.example",
        "4471", "№ 4471", "invoices", "cxtn", "счёт,  ноябрю!",
    ],
)  # fmt: skip
def test_one_ticket_by_any_of_its_words(vera: Agent, words: str) -> None:
    wanted = ticket("Не пришёл счёт за ноябрь", "Мы оплатили счета № 4471. Where is the invoice?")
    ticket("Не работает интернет", "Роутер мигает.", who=make.JOHN)
    assert found(vera, words) == [wanted.pk]


def test_all_words_must_be_there_wherever_in_the_ticket(vera: Agent) -> None:
    wanted = ticket("Возврат", "Верните деньги за октябрь.")
    make.incoming("Договор расторгнут.", joins=wanted)
    actions.add_note(wanted, "Согласовать с бухгалтерией.", agent=vera, by=vera.actor)
    drain()
    other = ticket("Возврат", "Верните деньги за август.", who=make.JOHN)
    assert found(vera, "деньги октябрь договор бухгалтерия") == [wanted.pk]
    assert found(vera, "возврат денег") == [other.pk, wanted.pk], "newest first"


def test_where_nothing_has_all_words_any_of_them_counts(vera: Agent) -> None:
    wanted = ticket("Возврат", "Верните деньги.")
    results = inbox.search(vera, "деньги бегемот")
    assert [line.number for line in results.page.lines] == [wanted.pk]
    assert inbox.search(vera, "бегемот").page.lines == []
    assert inbox.search(vera, "и не в на").page.lines == []


def test_another_layout_says_what_was_looked_for(vera: Agent) -> None:
    ticket("Возврат")
    assert inbox.search(vera, "djpdhfn").instead == "возврат"
    assert inbox.search(vera, "возврат").instead == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("возрат", "возврат"), ("возвратт", "возврат"), ("взоврат", "возврат"),
        ("бухгалтрея", "бухгалтерия"), ("invoise", "invoice"),
        ("возрат invoise", "возврат invoice"),
    ],
)  # fmt: skip
def test_a_word_typed_wrong_is_spelled_right(vera: Agent, typed: str, meant: str) -> None:
    wanted = ticket("Возврат", "Бухгалтерия просит invoice.")
    make.incoming("Возврат ждёт бухгалтерия, invoice есть.", joins=wanted)
    drain()
    spelling.learn()
    results = inbox.search(vera, typed)
    assert [line.number for line in results.page.lines] == [wanted.pk]
    assert results.instead == meant
    spelling.learn()
    assert Vocabulary.objects.get(word="возврат").messages == 2, "each message is learned once"


def test_spelling_tells_nobody_of_foreign_words(vera: Agent) -> None:
    hidden = ticket("Тайный аукцион", "аукцион", queue=make.billing())
    make.incoming("аукцион", joins=hidden)
    drain()
    spelling.learn()
    results = inbox.search(vera, "аукцеон")
    assert results.page.lines == []
    assert results.instead == ""
    page = make.browser(vera).get("/inbox/search/?q=аукцеон").content.decode()
    assert "аукцион" not in page


@pytest.mark.parametrize(
    ("one", "other", "mistakes"),
    [("да", "да", 0), ("кот", "кто", 1), ("кот", "крот", 1), ("слово", "словом", 1),
     ("слово", "слава", 2), ("слово", "перо", 3), ("", "аб", 2)],
)  # fmt: skip
def test_mistakes_are_counted(one: str, other: str, mistakes: int) -> None:
    assert spelling.distance(one, other, 5) in ({mistakes} if mistakes < 3 else {3, 4, 5})
    assert spelling.distance(one, other, 1) == min(mistakes, 2)
    assert spelling.distance(other, one, 5) == spelling.distance(one, other, 5)


def test_nobody_finds_what_is_not_his(vera: Agent) -> None:
    hidden = ticket("Тайный договор", queue=make.billing())
    shown = ticket("Открытый договор", who=make.JOHN)
    assert found(vera, "договор") == [shown.pk]
    assert found(vera, str(hidden.pk)) == []
    assert inbox.search(vera, "договор").count == "1"
    assert inbox.search(make.agent("Ольга Щербакова", make.billing()), "договор").count == "1"
    page = make.browser(vera).get("/inbox/search/?q=тайный").content.decode()
    assert "Тайный договор" not in page


def test_a_number_comes_first(vera: Agent) -> None:
    first = ticket("Первое")
    second = ticket(f"Ссылаюсь на обращение {first.pk}", who=make.JOHN)
    assert found(vera, str(first.pk)) == [first.pk, second.pk]
    assert found(vera, f"#{first.pk}") == [first.pk, second.pk]
    assert found(vera, "99999999999") == []


def test_automatic_texts_are_not_found_and_new_subjects_are(vera: Agent) -> None:
    one = ticket("Вопрос")
    assert found(vera, "получили") == []
    actions.rename(one, "Бегемот в офисе", by=vera.actor)
    drain()
    assert found(vera, "бегемоты") == [one.pk]


def test_pages_and_strange_input(vera: Agent) -> None:
    for number in range(53):
        make.ticket(f"Бегемот {number}", who=(f"client{number}@zoo.example", ""))
    drain()
    browser = make.browser(vera)
    page = browser.get("/inbox/search/?q=бегемот").content.decode()
    assert page.count('id="row-') == 50
    assert "Найдено: 53" in page
    first = inbox.search(vera, "бегемот").page
    address = f"/inbox/search/rows/?q=бегемот&before={first.older}"
    rows = browser.get(address, headers={"HX-Request": "true"}).content.decode()
    assert rows.count('id="row-') == 3
    for text in ("'", "\\", "a'b & ! | :* <->", "*" * 500, "%s %d", "\x00бегемот", " "):
        assert browser.get("/inbox/search/", {"q": text}).status_code == 200
    assert browser.get("/inbox/search/?q=x&before=nonsense").status_code == 400
    number = Ticket.objects.latest("pk").pk
    row = browser.get(f"/t/{number}/row/?view=search", headers={"HX-Request": "true"})
    assert row.status_code == 200


def test_rebuilding_finds_the_same(vera: Agent) -> None:
    wanted = ticket("Возврат", "Верните деньги.")
    kept = SearchText.objects.get(ticket=wanted).words
    SearchText.objects.all().delete()
    assert search.rebuild() == 1
    assert SearchText.objects.get(ticket=wanted).words == kept


def test_a_ticket_of_very_many_words_stays_findable(
    vera: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses more than 1 MB of words: a flood must not stop what comes after it."""
    wanted = ticket("Наводнение")
    for part in range(3):
        words = " ".join(f"слово{part}х{number}" for number in range(11_000))
        make.incoming(words, joins=wanted)
        drain()
    assert found(vera, "слово0х5000") == [wanted.pk]
    assert found(vera, "слово2х5") == []
    assert search.rebuild() >= 1
    assert found(vera, "наводнение") == [wanted.pk]

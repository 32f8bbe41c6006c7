"""Signal words: found in other forms and orders, not where they are denied."""

from __future__ import annotations

import pytest

from tests import make
from tests.drain import drain
from zabota.automation.urgency import signal_in
from zabota.channels.contract import Robot
from zabota.events.models import Event
from zabota.lib.stems import stem
from zabota.staff.models import Topic
from zabota.tickets import actions
from zabota.tickets.models import Ticket


@pytest.mark.parametrize(
    "forms",
    [
        "теряем теряю теряют теряли терял терять теряется",
        "деньги денег деньгам деньгами деньгах",
        "убытки убытков убыток убытка убытками",
        "платежи платежей платёж платежами",
        "касса кассы кассу кассе кассой",
        "losing lose loses",
        "payments payment",
        "stopped stop stops",
    ],
)
def test_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(word.replace("ё", "е")) for word in forms.split()}) == 1


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Мы теряем деньги!", "теряем деньги"),
        ("Из-за вас теряли на этом большие ДЕНЬГИ", "теряем деньги"),
        ("Деньги теряем каждую минуту", "теряем деньги"),
        ("Наша компания несёт убытки", "несём убытки"),
        ("Со вчерашнего дня не проходят платежи", "не проходят платежи"),
        ("Платежи у нас совсем не проходят", "не проходят платежи"),
        ("We are losing a lot of money", "losing money"),
        ("Our shop is down.", "shop is down"),
        ("Денег мы, к счастью, не теряем", ""),
        ("Мы не теряем деньги", ""),
        ("We are not losing money, just asking", ""),
        ("We don't lose money", ""),
        ("Где посмотреть деньги на счёте? Боюсь потерять ссылку.", ""),
        ("Платежи проходят", ""),
        ("Рисунок кота", ""),
        ("", ""),
    ],
)
def test_the_general_words(text: str, phrase: str) -> None:
    found = signal_in(text, [])
    assert (found.phrase if found else "") == phrase


def test_a_topic_has_its_own_words() -> None:
    own = Topic(pk=7, signal_words="\n  сервер упал \n\nвсё лежит")
    assert signal_in("Серверы упали", [own]) == (7, "сервер упал")
    assert signal_in("У нас всё лежит", [own]) == (7, "всё лежит")
    assert signal_in("Теряем деньги", [own]) is None
    assert signal_in("Теряем деньги", [Topic(pk=8, signal_words="")]) is None


@pytest.mark.django_db
def test_a_signal_makes_the_ticket_urgent_and_says_why() -> None:
    vera = make.agent(language="en")
    ticket = make.ticket("Касса", text="Здравствуйте! Касса не работает, теряем деньги.")
    drain()
    ticket.refresh_from_db()
    assert ticket.urgency == 1
    signal = Event.objects.get(kind="automation.signal_found", stream=ticket.stream)
    assert (signal.facts["phrase"], signal.facts["topic"]) == ("теряем деньги", None)
    page = make.browser(vera).get(f"/t/{ticket.pk}/").content.decode()
    assert "Why this urgency" in page
    assert "signal words “теряем деньги”" in page


@pytest.mark.django_db
def test_words_of_the_topics_of_the_queue_count_before_a_topic_is_known() -> None:
    make.topic("Вход", to=make.queue())
    other = make.topic("Счета", to=make.billing())
    Topic.objects.filter(pk=other.pk).update(signal_words="пришёл двойной счёт")
    here = make.ticket("Пришёл двойной счёт")
    there = make.ticket("Пришли двойные счета", queue=make.billing(), who=make.MARIA)
    drain()
    assert Ticket.objects.get(pk=here.pk).urgency == 3
    assert Ticket.objects.get(pk=there.pk).urgency == 1


@pytest.mark.django_db
def test_what_an_agent_set_stays_and_robots_lose_nothing() -> None:
    vera = make.agent()
    ticket = make.ticket("Теряем деньги", robot=Robot.AUTO_GENERATED)
    drain()
    assert Ticket.objects.get(pk=ticket.pk).urgency == 3
    asked = make.ticket("Вопрос", who=make.MARIA)
    drain()
    actions.set_urgency(asked, 4, by=vera.actor)
    make.incoming("Теряем деньги", joins=asked, who=make.MARIA)
    drain()
    assert Ticket.objects.get(pk=asked.pk).urgency == 4
    found = Event.objects.filter(kind="automation.signal_found")
    assert list(found.values_list("stream", "facts", "actor")) == []

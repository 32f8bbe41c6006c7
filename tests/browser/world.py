"""A small company at work: every kind of ticket and message, for looking at the screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

from tests import make
from tests.drain import drain
from tests.notify.program import webhook
from zabota.automation import triage
from zabota.calendars.actions import set_day
from zabota.channels.contract import Address, Robot
from zabota.channels.models import Inbox, Outgoing
from zabota.lib import clock
from zabota.notify.models import DeliveryState, Webhook, WebhookDelivery
from zabota.staff import invitations
from zabota.staff.models import Agent, Level, Role, Scope
from zabota.staff.tokens import make_token, revoke_token
from zabota.tickets import actions
from zabota.tickets.models import Ticket

LONG = "Очень длинная тема, в которой клиент рассказывает всё сразу: номер договора, что случилось "
LONG_ADDRESS = "konstantin.konstantinopolsky-vvedensky@international-logistics.example"
HTML = (
    "<h2>Счёт № 4471</h2><table><tr><th>Услуга</th><th>Сумма</th></tr><tr><td>Хостинг, ноябрь</td>"
    '<td>12&nbsp;400 ₽</td></tr></table><p>Оплатить: <a href="https://pay.example/4471">по ссылке'
    '</a></p><img src="https://tracker.example/pixel.gif" width="1" height="1">'
)
SUBJECTS = (
    ("Не открывается личный кабинет", "После обновления вместо кабинета белая страница.", 1),
    ("Invoice for October is missing", "Hello! I cannot find the invoice for October.", 3),
    ("Прошу перенести сайт на новый тариф", "Добрый день. Хотим перейти с первого числа.", 3),
    ("Сертификат истекает завтра", "Продлите, пожалуйста, сертификат: завтра он кончится.", 2),
    ("Вопрос по договору", "Пришлите, пожалуйста, скан подписанного договора.", 4),
    ("Can we add a second administrator?", "We would like to add Emma as an administrator.", 3),
)
PEOPLE = (make.PETR, make.JOHN, make.MARIA, make.PETR, (LONG_ADDRESS, ""), make.JOHN)


@dataclass(frozen=True)
class World:
    """Who looks, and the numbers of what there is to see."""

    chief: Agent
    rich: int
    failed: int
    solved: int
    quarantined: int
    agent: int
    queue: int
    department: int
    topic: int
    inbox: int
    account: int
    calendar: int
    webhook: int
    delivery: int
    invitation: str


def build(language: str) -> World:
    """Fill the database; the chief is an administrator who reads this language."""
    chief = make.administrator(language=language)
    vera = make.agent("Вера Зорина")
    make.agent("Алексей Орлов", make.billing(), level=Level.SEE)
    make.agent("Ольга Щербакова", level=Level.MANAGE, role=Role.LEAD)
    company = make.account("ООО «Ромашка»", "romashka.example")
    box = _inbox()
    topic = make.topic()
    calendar = make.calendar(country="RU", is_default=True)
    set_day(calendar, clock.now().date(), is_off=False, name="Рабочий день", by=chief.actor)
    plain_tickets(vera)
    for hours in (20, 30):
        at = clock.now() - timedelta(hours=hours)
        make.ticket(
            f"Ждёт ответа уже {hours} часов", who=(f"h{hours}@firm.example", "Клиент"), at=at
        )
    _programs(chief)
    hook = _webhook()
    failed = _failed(vera)
    quarantined = make.quarantined("No sender: the mail has neither From nor Reply-To nor Sender.")
    solved = make.ticket("Спасибо, всё работает", who=make.MARIA)
    actions.reply(solved, "Рады помочь!", agent=vera, by=vera.actor, solve=True)
    _broken()
    rich = _rich(chief, vera)
    drain()
    return World(
        chief, rich.pk, failed.pk, solved.pk, quarantined.pk, vera.pk, make.queue().pk,
        make.department().pk, topic.pk, box.pk, company.pk, calendar.pk, hook.pk,
        hook.deliveries.order_by("pk")[0].pk,
        "/" + invitations.invite(vera).split("/", 3)[3],
    )  # fmt: skip


def _webhook() -> Webhook:
    """One that fails, with a log of every state; another that was switched off by itself."""
    works_as = make.agent("Тимур Хабибуллин", level=Level.REPLY, role=Role.INTEGRATION)
    chosen = ("tickets.made", "tickets.rated")
    name = "Складская система с очень длинным названием"
    hook, _secret = webhook(
        "https://warehouse.example/hooks/zabota", *chosen, agent=works_as, name=name
    )
    off, _secret = webhook("https://old.example/", *chosen, agent=works_as, name="Old CRM")
    Webhook.objects.filter(pk=off.pk).update(is_active=False, off_reason="week", off_at=clock.now())
    since = clock.now() - timedelta(hours=5)
    failing = {"failures": 4, "failing_since": since, "next_try": clock.now() + timedelta(hours=9)}
    Webhook.objects.filter(pk=hook.pk).update(
        last_error="connect", last_detail="Connection refused", **failing
    )
    body = '{"id": "event_1", "kind": "tickets.made", "ticket": {"subject": "' + LONG + '"}}'
    for number, state in enumerate(DeliveryState.values):
        WebhookDelivery.objects.create(
            webhook=hook, event=number + 1, kind="tickets.made", ticket=1, state=state, attempts=2,
            status=500, error="" if state == "delivered" else "status", body=body, took=120,
            answer="Internal Server Error", tried_at=clock.now(),
        )  # fmt: skip
    return hook


def _programs(chief: Agent) -> None:
    """Two tokens, one of them revoked."""
    works_as = make.agent("Тимур Хабибуллин", level=Level.REPLY, role=Role.INTEGRATION)
    names = ("Формы сайта", "Old CRM of the sales department")
    _kept, old = (
        make_token(works_as, name=name, scopes=list(Scope), by=chief.actor)[0] for name in names
    )
    revoke_token(old, by=chief.actor)


def plain_tickets(owner: Agent) -> list[Ticket]:
    """Tickets of different people, languages and urgencies; the first is owned."""
    made = []
    for place, (subject, text, urgency) in enumerate(SUBJECTS):
        at = clock.now() - timedelta(hours=3 * place, minutes=7)
        one = make.ticket(subject, text=text, who=PEOPLE[place], at=at)
        if urgency != 3:
            actions.set_urgency(one, urgency, by=owner.actor)
        made.append(one)
    actions.take(made[0], agent=owner, by=owner.actor)
    make.ticket("Out of office", text="I am away.", who=make.JOHN, robot=Robot.AUTO_REPLY)
    return made


def _inbox() -> Inbox:
    config = {"imap_host": "imap.zabota.example", "imap_user": "support@zabota.example"}
    box = make.inbox(
        config=config, folders=["INBOX"], last_error="The server refused the password."
    )
    box.set_secret("secret")
    box.save()
    return box


def _failed(vera: Agent) -> Ticket:
    ticket = make.ticket(LONG, who=(LONG_ADDRESS, "Константин Константинопольский-Введенский"))
    actions.reply(ticket, "Проверяем.", agent=vera, by=vera.actor)
    drain()
    error = "550 5.1.1 <no.such.person@international-logistics.example>: user unknown"
    Outgoing.objects.filter(ticket_message__ticket=ticket).update(
        state="failed", last_error=error, attempts=5
    )
    return ticket


def _broken() -> None:
    """A job that gave up."""
    with patch.object(triage, "take", side_effect=RuntimeError("the disk is on fire")):
        make.ticket("Письмо, на котором споткнулась обработка")
        drain(quiet=True)


def _rich(chief: Agent, vera: Agent) -> Ticket:
    """A ticket with every kind of message."""
    start = clock.now() - timedelta(hours=30)
    ticket = make.ticket(
        "Не приходит код для входа в личный кабинет", at=start,
        text="Здравствуйте!\n\nС утра не приходит код для входа. Подробности: "
        "https://romashka.example/help/login?from=mail\n\nПётр",
        files=(make.file("журнал входов за ноябрь 2026 года, полный.txt", b"line\n" * 500),),
        cc=(Address(make.MARIA[0], make.MARIA[1]), Address(LONG_ADDRESS, "")),
    )  # fmt: skip
    steps: tuple[Callable[[], object], ...] = (
        lambda: actions.take(ticket, agent=chief, by=chief.actor),
        lambda: actions.set_urgency(ticket, 2, by=chief.actor),
        lambda: actions.set_tags(ticket, ["вход", "код по SMS"], by=chief.actor),
        lambda: actions.set_topic(ticket, make.topic(), by=chief.actor),
        lambda: actions.reply(
            ticket, "Пётр, здравствуйте!\n\nПроверьте, пожалуйста, папку «Спам».",
            agent=chief, by=chief.actor, files=[make.upload()],
        ),
        lambda: actions.add_note(
            ticket, "Похоже на сбой у оператора: третье обращение за день.",
            agent=vera, by=vera.actor,
        ),
        lambda: actions.log_call(
            ticket, "Пётр перезвонил: в спаме пусто.", agent=vera, by=vera.actor,
            topic="Код по SMS", advice="Войти по запасному коду.", minutes=7,
        ),
        lambda: make.incoming("Спасибо, жду.", joins=ticket, quoted="> Проверьте папку «Спам»."),
        lambda: make.incoming("Счёт", joins=ticket, html=HTML, at=clock.now()),
    )  # fmt: skip
    for hours, step in enumerate(steps, 1):
        with clock.at(start + timedelta(hours=hours * 3)):
            step()
            drain()
    Outgoing.objects.filter(ticket_message__ticket=ticket).update(
        state="failed", last_error="550 5.1.1 mailbox unavailable", attempts=5
    )
    return ticket

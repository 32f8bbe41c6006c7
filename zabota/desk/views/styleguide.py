"""The living style guide: every part of a page with realistic content."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from zabota.desk.cards import Bubble, Choice, EventLine, FileItem, Row, Stretch, ViewLink
from zabota.lib import clock


class SampleForm(forms.Form):
    """A form with each kind of control."""

    name = forms.CharField(label=_("Name"), help_text=_("As clients see it."))
    address = forms.EmailField(label=_("Mail address"))
    about = forms.CharField(label=_("Description"), widget=forms.Textarea, required=False)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("q", _("Question")), ("i", _("Incident")), ("c", _("Complaint"))]
    )
    silent = forms.BooleanField(label=_("Tell nobody"), required=False)


PEOPLE = (
    (
        "Пётр Лебедев",
        "ООО «Ромашка»",
        "Не приходит письмо с кодом для входа",
        "Проверили спам и рассылки",
    ),
    ("Мария Жданова", "ООО «Ромашка»", "Возврат за дублирующий платёж", "Списали дважды 14 ноября"),
    ("John Carter", "Nordwind AB", "CSV export fails with 504", "It worked until last Thursday"),
    (
        "Ольга Щербакова",
        "Торговый дом «Север»",
        "Продлить пробный период",
        "Нам нужно ещё две недели",
    ),
    ("Иван Ёлкин", "", "Ошибка при оплате картой «Мир»", "Банк отвечает «недоступно»"),
    ("Sara Lindqvist", "Nordwind AB", "How do I add a second administrator?", "The button is grey"),
    ("Тимур Хабибуллин", "Казань-Логистика", "Подпись вебхука не сходится", "Ключ меняли вчера"),
    (
        "Дарья Цыганкова",
        "Nordwind AB",
        "Смена юридического лица в договоре",
        "Новые реквизиты ниже",
    ),
    ("Анна Кузнецова", "ООО «Ромашка»", "Отчёт за сентябрь не открывается", "Крутится и пусто"),
    ("Emily Stone", "", "Invoice shows the wrong VAT number", "Please correct it and resend"),
    (
        "Алексей Орлов",
        "Завод «Прогресс»",
        "Как перенести историю обращений?",
        "У нас их около 40 000",
    ),
    ("Вера Зайцева", "ИП Зайцева", "Спасибо за быстрый ответ", "Всё заработало, очень выручили"),
)
MARKS: tuple[dict[str, Any], ...] = (
    {"due": timedelta(minutes=24), "clock_tone": "warn", "unread": True, "urgency": "high"},
    {"due": -timedelta(minutes=12), "clock_tone": "late", "urgency": "urgent"},
    {"present": "Вера Зорина"},
    {"due": timedelta(minutes=130), "clock_tone": "plain", "unread": True},
    {"status": "waiting_client", "status_label": _("Waiting for the client")},
    {"channel": "chat"},
    {"status": "new", "status_label": _("New"), "unread": True},
    {"urgency": "low"},
    {"channel": "phone"},
    {"status": "solved", "status_label": _("Solved")},
)


def sample_rows() -> list[Row]:
    """Twelve lines of a list with all marks."""
    rows = []
    for index, (contact, account, subject, snippet) in enumerate(PEOPLE):
        row = Row(
            10_412 - index, subject, contact, account, snippet,
            clock.now() - timedelta(minutes=3 + 17 * index**2), "open", str(_("Open")),
            urgency_label=str(_("Urgency")),
        )  # fmt: skip
        marks = MARKS[index % len(MARKS)]
        if "due" in marks:
            marks = marks | {"due": clock.now() + marks["due"]}
        rows.append(replace(row, **marks))
    return rows


def sample_timeline() -> list[Stretch]:
    """A conversation with each kind of entry."""
    past = clock.now() - timedelta(days=1, hours=2)
    first = Bubble(
        1, "in", "Пётр Лебедев", past, via="почта", original="#", language="ru",
        text="Здравствуйте!\n\nСо вчерашнего вечера никому из наших не приходит "
        "письмо с кодом для входа. "
        "Спам и рассылки проверили, в журнале почтового сервера ваших писем тоже нет.\n\n"
        "Сможете посмотреть сегодня? У нас закрытие месяца.",
        quoted="> Ваш код для входа: 448 120\n> Он действует 10 минут.",
        files=(
            FileItem("журнал-почты.txt", 18_240, "#", "text"),
            FileItem("снимок экрана 2026-11-21.png", 482_100, "#", "image"),
            FileItem("проверка.exe", 91_000, blocked=str(_("This type is not given out"))),
        ),
    )  # fmt: skip
    note = Bubble(
        2, "note", "Алексей Орлов", past + timedelta(minutes=14),
        text="Их домен попал в список отказов у провайдера, смотрю журнал отправки. Не закрывайте.",
    )  # fmt: skip
    reply = Bubble(
        3, "out", "Вера Зорина", clock.now() - timedelta(minutes=52),
        text="Пётр, здравствуйте! Нашли причину: почтовый сервер отклонял наши письма "
        "из-за новой записи SPF. "
        "Мы её поправили, код уже уходит.\n\n"
        "Войдите, пожалуйста, ещё раз и напишите, получилось ли.",
        delivery="sent", delivery_label=str(_("Delivered to the mail server")),
    )  # fmt: skip
    failed = replace(
        reply, id=4, at=clock.now() - timedelta(minutes=8),
        text="И ещё: старые коды больше не действуют.",
        delivery="failed", delivery_label=str(_("Not sent: the address does not exist")), retry="#",
    )  # fmt: skip
    mail = Bubble(
        5, "in", "Пётр Лебедев", clock.now() - timedelta(minutes=3), via="почта", remote="#",
        document=f'<link rel="stylesheet" href="{static("css/mail.css")}">'
        "<p>Всё пришло, <b>спасибо</b>!</p><table border=1 cellpadding=6>"
        "<tr><td>Код</td><td>448 120</td></tr><tr><td>Время</td><td>12 секунд</td></tr></table>",
    )  # fmt: skip
    moved = EventLine("Вера Зорина взяла обращение", past + timedelta(minutes=3), "user-check")
    return [
        Stretch(bubble=first, day=past),
        Stretch(events=(moved,)),
        Stretch(bubble=note),
        Stretch(events=(moved, replace(moved, text="Срочность: обычная → высокая", icon="flag"))),
        Stretch(bubble=reply, day=clock.now()),
        Stretch(bubble=failed),
        Stretch(bubble=mail),
    ]


def sample_views() -> list[tuple[str, list[ViewLink]]]:
    """Two groups of views with counts."""
    return [
        (
            str(_("Mine")),
            [
                ViewLink("mine", str(_("Assigned to me")), "inbox", "12"),
                ViewLink("snoozed", str(_("Snoozed")), "clock", "5"),
            ],
        ),
        (
            str(_("Team")),
            [
                ViewLink("unassigned", str(_("Unassigned")), "user-plus", "31"),
                ViewLink("open", str(_("All open")), "circle-dot", "999+"),
                ViewLink("late", str(_("Burning")), "timer", "7", late=True),
                ViewLink("quarantine", str(_("Quarantine")), "shield-alert", "2"),
            ],
        ),
    ]


def sample_context() -> dict[str, Any]:
    """Everything the pages of the guide show."""
    form = SampleForm({"name": "", "address": "not an address", "kind": "i"})
    form.add_error(None, str(_("Nothing was saved: correct the marked fields.")))
    return {
        "rows": sample_rows(),
        "timeline": sample_timeline(),
        "groups": sample_views(),
        "form": form,
        "urgencies": [
            Choice("urgent", str(_("Urgent")), "chevrons-up", key="1"),
            Choice("high", str(_("High")), "chevron-up", chosen=True, key="2"),
            Choice("normal", str(_("Normal")), "circle", key="3"),
            Choice("low", str(_("Low")), "arrow-down", key="4"),
        ],
        "owners": [Choice(str(n), name) for n, (name, *_rest) in enumerate(PEOPLE)],
    }


@login_required
def styleguide(request: HttpRequest) -> HttpResponse:
    """The guide; `?screen=inbox` shows the parts together as a workspace."""
    screens = {"inbox": "desk/styleguide_inbox.html", "plain": "desk/styleguide_plain.html"}
    page = screens.get(request.GET.get("screen", ""), "desk/styleguide.html")
    return render(request, page, sample_context())

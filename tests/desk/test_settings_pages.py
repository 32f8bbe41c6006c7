"""The settings screens: who gets in, what is found, departments, queues and topics."""

from __future__ import annotations

import re

import pytest
from django.urls import get_resolver, reverse

from tests import make
from tests.operations import setting
from zabota.desk.settings import urls
from zabota.events.models import Event
from zabota.staff.models import Department, Queue, Role, Topic

pytestmark = pytest.mark.django_db


def addresses() -> list[str]:
    """Every settings URL, with ids of rows that exist where it needs one."""
    person, queue, inbox = make.agent(), make.queue(), make.inbox()
    pks = {
        "agents": person.pk, "departments": queue.department_id, "queues": queue.pk,
        "topics": make.topic().pk, "inboxes": inbox.pk, "clients": make.account().pk,
        "calendars": make.calendar().pk, "webhooks": setting("webhooks"),
        "webhook-deliveries": setting("webhook-deliveries"),
    }  # fmt: skip
    found = []
    for pattern in urls.urlpatterns:
        route = str(pattern.pattern)
        pk = pks.get(route.partition("/")[0], 0)
        found.append("/settings/" + re.sub(r"<int:pk>", str(pk), route))
    return found


def changes(what: str) -> list[dict[str, object]]:
    rows = Event.objects.filter(kind="staff.setting_changed", facts__what=what).order_by("id")
    return [row.facts for row in rows]


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_settings_do_not_exist_for_other_roles(role: str) -> None:
    targets = addresses()
    client = make.browser(make.agent("Тимур Хабибуллин", role=role))
    for address in targets:
        assert client.get(address).status_code == 404, address
        assert client.post(address).status_code == 404, address


def test_strangers_are_sent_to_the_sign_in_page() -> None:
    client = make.browser()
    for address in addresses():
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith(reverse("account_login")), address


def test_changes_need_a_post() -> None:
    targets = addresses()
    client = make.browser(make.administrator())
    before = Event.objects.count()
    statuses = {address: client.get(address).status_code for address in targets}
    assert set(statuses.values()) == {200, 405}
    refused = {address.rsplit("/", 2)[-2] for address, code in statuses.items() if code == 405}
    assert refused == {
        "queues",
        "link",
        "second-factor",
        "sessions",
        "check",
        "domain",
        "release",
        "day",
        "undo",
        "deadlines",
        "revoke",
        "end",
        "secret",
        "test",
        "switch",
        "replay",
        "connect",
    }
    assert Event.objects.count() == before


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_says_what_it_does(language: str) -> None:
    client = make.browser(make.administrator(language=language))
    home = client.get("/settings/").content.decode()
    for name in ("agents", "departments", "queues", "topics", "inboxes", "accounts", "calendars"):
        assert reverse(f"desk:settings:{name}") in home
        page = client.get(reverse(f"desk:settings:{name}")).content.decode()
        assert 'class="settings-about"' in page
        assert page.count("<h1") == 1


def test_search_finds_pages_in_both_languages_and_rows_by_name() -> None:
    make.agent("Алексей Ёлкин")
    client = make.browser(make.administrator(language="en"))
    page = client.get("/settings/?q=password").content.decode()
    assert reverse("desk:settings:inboxes") in page
    assert reverse("desk:settings:topics") not in page
    assert "Алексей Ёлкин" in client.get("/settings/?q=елкин").content.decode()
    nothing = client.get("/settings/", {"q": "zzz(["}).content.decode()
    assert "Nothing in the settings" in nothing


def test_department_queue_and_topic_are_made_and_told() -> None:
    admin = make.administrator()
    client = make.browser(admin)
    data = {"name_ru": "Монтаж", "name_en": "Installation", "is_active": "on"}
    client.post("/settings/departments/new/", data)
    department = Department.objects.get(name_ru="Монтаж", is_active=True)
    client.post(
        "/settings/queues/new/",
        {"name_ru": "Выезды", "department": department.pk, "line": 2, "is_active": "on"},
    )
    queue = Queue.objects.get(name_ru="Выезды")
    client.post("/settings/topics/new/", {"name_en": "Visit", "queue": queue.pk, "is_active": "on"})
    assert Topic.objects.get(name_en="Visit").queue == queue
    (made,) = changes("queue")
    assert made["made"] is True
    assert made["object"] == queue.pk
    event = Event.objects.get(kind="staff.setting_changed", stream=f"queue:{queue.pk}")
    assert event.actor == f"agent:{admin.pk}"
    assert "Выезды" in client.get("/settings/queues/").content.decode()


def test_a_change_is_recorded_with_its_fields_and_shown_in_the_history() -> None:
    queue = make.queue()
    client = make.browser(make.administrator(language="en"))
    data = {
        "name_ru": queue.name_ru, "name_en": "Front line", "department": queue.department_id,
        "line": 1, "is_active": "on",
    }  # fmt: skip
    answer = client.post(f"/settings/queues/{queue.pk}/", data)
    assert answer.status_code == 302
    (changed,) = changes("queue")
    assert changed["fields"] == ["name_en"]
    assert changed["made"] is False
    page = client.get(f"/settings/queues/{queue.pk}/").content.decode()
    assert "Front line, changed: name in English" in page
    client.post(f"/settings/queues/{queue.pk}/", data)
    assert len(changes("queue")) == 1, "saving without a change tells nothing"


def test_a_queue_needs_a_name_and_says_so_beside_the_field() -> None:
    client = make.browser(make.administrator(language="en"))
    answer = client.post("/settings/departments/new/", {"name_ru": "  ", "name_en": ""})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Write the name in at least one language." in page
    assert 'aria-describedby="id_name_ru_error"' in page
    assert not Event.objects.filter(kind="staff.setting_changed").exists()


def test_a_queue_something_leads_to_cannot_be_switched_off() -> None:
    queue = make.queue()
    make.topic()
    client = make.browser(make.administrator(language="en"))
    data = {"name_ru": queue.name_ru, "name_en": "", "department": queue.department_id, "line": 1}
    answer = client.post(f"/settings/queues/{queue.pk}/", data)
    assert answer.status_code == 422
    assert "Lead these to another queue first: Sign-in." in answer.content.decode()
    queue.refresh_from_db()
    assert queue.is_active
    Topic.objects.update(is_active=False)
    assert client.post(f"/settings/queues/{queue.pk}/", data).status_code == 302
    queue.refresh_from_db()
    assert not queue.is_active


@pytest.mark.parametrize(
    ("language", "refusal"),
    [
        ("en", "Put these queues into another department or switch them off first: First line."),
        ("ru", "Сначала переведите в другой отдел или отключите очереди: Первая линия."),
    ],
)
def test_a_department_with_queues_in_use_cannot_be_switched_off(
    language: str, refusal: str
) -> None:
    queue, chosen = make.queue(), make.billing().department
    own = queue.department
    client = make.browser(make.administrator(language=language))
    data = {"name_ru": own.name_ru, "name_en": own.name_en}
    answer = client.post(f"/settings/departments/{own.pk}/", data)
    assert answer.status_code == 422
    assert refusal in answer.content.decode()
    assert Department.objects.filter(pk=own.pk, is_active=True)
    Queue.objects.filter(pk=queue.pk).update(department=chosen)
    assert client.post(f"/settings/departments/{own.pk}/", data).status_code == 302
    assert Department.objects.filter(pk=own.pk, is_active=False)
    assert [row["fields"] for row in changes("department")] == [["is_active"]]


def test_a_department_that_is_switched_off_takes_no_queue() -> None:
    queue, off = make.queue(), make.department("Архив", "Archive")
    Department.objects.filter(pk=off.pk).update(is_active=False)
    client = make.browser(make.administrator(language="en"))
    assert "switched off" in client.get("/settings/departments/").content.decode()
    data = {"name_ru": "Первая линия", "department": off.pk, "line": 1, "is_active": "on"}
    assert client.post("/settings/queues/new/", data).status_code == 422
    assert client.post(f"/settings/queues/{queue.pk}/", data).status_code == 422
    Queue.objects.filter(pk=queue.pk).update(department=off, is_active=False)
    again = client.post(f"/settings/queues/{queue.pk}/", data)
    assert again.status_code == 422
    assert "The department Archive is switched off." in again.content.decode()
    del data["is_active"]
    assert client.post(f"/settings/queues/{queue.pk}/", data).status_code == 302
    back = {"name_ru": off.name_ru, "name_en": "Archive", "is_active": "on"}
    client.post(f"/settings/departments/{off.pk}/", back)
    page = client.get(f"/settings/departments/{off.pk}/").content.decode()
    assert "Archive, changed: in use" in page


def test_a_first_quarantine_stands_in_a_department_in_use() -> None:
    off = make.department("Архив", "Archive")
    Department.objects.filter(pk=off.pk).update(is_active=False)
    assert make.quarantined().queue.department != off


def test_the_quarantine_is_shown_and_stays_in_use() -> None:
    quarantine = make.quarantined().queue
    client = make.browser(make.administrator(language="en"))
    page = client.get(f"/settings/queues/{quarantine.pk}/").content.decode()
    assert "The quarantine: mail that cannot be read" in page
    assert 'name="is_active"' not in page
    data = {"name_ru": "Карантин 2", "department": quarantine.department_id, "line": 1}
    assert client.post(f"/settings/queues/{quarantine.pk}/", data).status_code == 302
    quarantine.refresh_from_db()
    assert quarantine.is_active
    assert quarantine.is_quarantine
    assert str(quarantine.pk) not in re.findall(
        r'<option value="(\d+)"', client.get("/settings/topics/new/").content.decode()
    ), "no topic leads into the quarantine"


def test_client_and_mail_domain() -> None:
    contact = make.contact()
    client = make.browser(make.administrator(language="en"))
    client.post("/settings/clients/new/", {"name": "Romashka", "time_zone": "Asia/Omsk"})
    (made,) = changes("account")
    pk = made["object"]
    answer = client.post(f"/settings/clients/{pk}/domain/", {"domain": "who@Romashka.example"})
    assert answer.status_code == 302
    contact.refresh_from_db()
    assert contact.account_id == pk
    page = client.get(f"/settings/clients/{pk}/").content.decode()
    assert "1 contact has joined" in page
    assert "Mail domain confirmed: romashka.example." in page
    refused = client.post(f"/settings/clients/{pk}/domain/", {"domain": "gmail.com"})
    assert refused.status_code == 422
    assert "public mail service" in refused.content.decode()
    assert "Romashka" in client.get("/settings/clients/?q=romashka.ex").content.decode()


def test_a_wrongly_confirmed_domain_is_released() -> None:
    account = make.account(domain="romashka.example")
    earlier = make.contact()
    client = make.browser(make.administrator(language="en"))
    form = {"domain": "romashka.example"}
    answer = client.post(f"/settings/clients/{account.pk}/domain/release/", form, follow=True)
    assert "Mail domain released: romashka.example." in answer.content.decode()
    assert "not confirmed" in answer.content.decode()
    earlier.refresh_from_db()
    assert earlier.account == account, "who has joined stays"
    assert make.contact(("new@romashka.example", "Пётр Новый")).account is None
    other = make.account("Другая")
    foreign = client.post(f"/settings/clients/{other.pk}/domain/release/", form, follow=True)
    assert "This client has no such domain." in foreign.content.decode()
    client.post(f"/settings/clients/{other.pk}/domain/", form)
    assert make.contact(("late@romashka.example", "Иван Поздний")).account == other
    taken = client.post(f"/settings/clients/{account.pk}/domain/", form)
    assert taken.status_code == 422
    assert "Another client has romashka.example." in taken.content.decode()


def test_all_settings_urls_are_in_the_namespace() -> None:
    names = {pattern.name for pattern in urls.urlpatterns}
    resolver = get_resolver()
    assert resolver.resolve("/settings/").view_name == "desk:settings:home"
    assert len(names) == len(urls.urlpatterns)

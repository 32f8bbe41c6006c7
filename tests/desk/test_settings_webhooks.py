"""The administrator's screens of webhooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import make
from tests.api.program import integration
from tests.drain import drain
from tests.notify.program import LOOPBACK, signs, webhook
from tests.receiver import Receiver, receiving
from zabota.notify import actions
from zabota.notify.models import DeliveryState, Webhook, WebhookDelivery
from zabota.staff.models import Agent
from zabota.tickets import actions as desk_actions

pytestmark = pytest.mark.django_db
PATH = "/settings/webhooks/"
NOTE = "tickets.note_added"


@pytest.fixture
def desk() -> Any:
    return make.browser(make.administrator(language="en"))


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiving() as found, LOOPBACK:
        yield found


def said(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def secret_on(answer: Any) -> str:
    found = re.search(r'value="(whsec_[\w+/=]+)"', said(answer))
    assert found
    return found[1]


def told(agent: Agent, count: int = 1) -> None:
    ticket, vera = make.ticket(), make.agent()
    for number in range(count):
        desk_actions.add_note(ticket, f"Заметка {number}", agent=vera, by=vera.actor)
    drain()


def test_a_webhook_is_made_its_secret_shown_once_tested_and_told(
    desk: Any, target: Receiver
) -> None:
    agent = integration()
    assert "No program is told anything yet" in said(desk.get(PATH))
    form = {"name": "CRM", "address": target.url, "agent": agent.pk, "kinds": [NOTE]}
    made = desk.post(f"{PATH}new/", form)
    secret = secret_on(made)
    assert made["Cache-Control"] == "no-store"
    hook = Webhook.objects.get()
    page = f"{PATH}{hook.pk}/"
    assert secret not in said(desk.get(page)) + said(desk.get(PATH))
    assert secret not in hook.secret_encrypted
    assert "It works: answer 204" in said(desk.post(f"{page}test/", follow=True))
    told(agent)
    assert [signs(one, secret) for one in target.heard] == [[True], [True]]
    shown = said(desk.get(page))
    assert "CRM: tested, it works" in shown
    assert "Added: CRM" in shown
    new = secret_on(desk.post(f"{page}secret/", {"hours": 24}))
    assert new != secret
    told(agent)
    assert signs(target.heard[-1], new, secret) == [True, True]
    assert "CRM: new secret, the former one in force for 24 hours" in said(desk.get(page))
    assert desk.post(f"{page}secret/", {"hours": 9}).status_code == 422


def test_a_change_is_kept_and_told_with_its_fields(desk: Any) -> None:
    hook, _secret = webhook("https://hooks.example/", NOTE)
    page = f"{PATH}{hook.pk}/"
    form = {"name": "CRM 2", "address": hook.address, "agent": hook.agent_id, "kinds": [NOTE]}
    assert desk.post(page, form | {"queues": [make.queue().pk]}).status_code == 302
    hook.refresh_from_db()
    assert (hook.name, hook.queues) == ("CRM 2", [make.queue().pk])
    told = "CRM 2, changed: what it is for (CRM → CRM 2), queues"
    assert told in said(desk.get(page))


def test_what_cannot_be_made_says_why(desk: Any) -> None:
    assert "There is no agent for programs yet" in said(desk.get(f"{PATH}new/"))
    agent, other = integration(), make.agent()
    given: dict[str, Any] = {
        "name": "CRM", "address": "https://hooks.example/", "agent": agent.pk, "kinds": [NOTE],
    }  # fmt: skip
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"name": ""}, "required"),
        ({"address": "hooks.example"}, "Write the whole address"),
        ({"address": "https://me:secret@hooks.example/"}, "Write the whole address"),
        ({"agent": other.pk}, "Select a valid choice"),
        ({"kinds": []}, "required"),
        ({"kinds": ["tickets.reply_held"]}, "Select a valid choice"),
        ({"queues": [make.billing().pk]}, "Тимур Хабибуллин does not see: Billing."),
    )
    for change, words in changes:
        answer = desk.post(f"{PATH}new/", given | change)
        assert answer.status_code == 422, change
        assert words in said(answer), change
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://127.0.0.1:1/", "The address leads to 127.0.0.1, which is not public."),
        ("http://[::ffff:169.254.169.254]/latest/", "which is not public."),
    ],
)
def test_a_test_says_in_words_what_went_wrong(desk: Any, address: str, words: str) -> None:
    hook, _secret = webhook(address, NOTE)
    assert words in said(desk.post(f"{PATH}{hook.pk}/test/", follow=True))
    assert "CRM: tested, it does not work" in said(desk.get(f"{PATH}{hook.pk}/"))


def test_the_log_is_filtered_and_one_or_all_are_sent_again(desk: Any, target: Receiver) -> None:
    hook, _secret = webhook(target, NOTE)
    target.will(400)
    told(hook.agent, 2)
    WebhookDelivery.objects.update(next_try=None)
    first = WebhookDelivery.objects.order_by("id")[0]
    page = f"/settings/webhook-deliveries/{first.pk}/"
    log = f"{PATH}{hook.pk}/deliveries/"
    WebhookDelivery.objects.filter(pk=first.pk).update(state=DeliveryState.FAILED)
    shown = said(desk.get(log))
    assert shown.count("a note is added") >= 3
    assert page in shown
    assert page in said(desk.get(log, {"state": "failed"}))
    assert page not in said(desk.get(log, {"state": "waiting"}))
    assert page in said(desk.get(log, {"kind": NOTE, "ticket": first.ticket}))
    assert "No delivery is like that" in said(desk.get(log, {"ticket": 987654}))
    assert page in said(desk.get(log, {"state": "nonsense", "before": "x", "ticket": "y"}))
    one = said(desk.get(page))
    assert "The program answered with an error." in one
    assert "It said so." in one
    assert "&#34;kind&#34;: &#34;tickets.note_added&#34;" in one
    desk.post(page + "replay/")
    drain()
    first.refresh_from_db()
    assert first.state == DeliveryState.DELIVERED
    WebhookDelivery.objects.update(state=DeliveryState.MISSED)
    answer = desk.post(f"{PATH}{hook.pk}/replay/", follow=True)
    assert "2 deliveries are sent now." in said(answer)
    drain()
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert "CRM: 2 deliveries sent again" in said(desk.get(f"{PATH}{hook.pk}/"))


def test_a_long_log_has_pages(desk: Any) -> None:
    hook, _secret = webhook("https://hooks.example/", NOTE)
    rows = [WebhookDelivery(webhook=hook, event=n, kind=NOTE, ticket=1) for n in range(60)]
    WebhookDelivery.objects.bulk_create(rows)
    log = f"{PATH}{hook.pk}/deliveries/"
    first = said(desk.get(log, {"kind": NOTE}))
    [older] = re.findall(r'href="(\?[^"]*before=\d+)"', first)
    second = said(desk.get(log + older.replace("&amp;", "&")))
    numbers = [re.findall(r"webhook-deliveries/(\d+)/", page) for page in (first, second)]
    assert [len(one) for one in numbers] == [50, 10]
    assert not set(numbers[0]) & set(numbers[1])


def test_switching_off_and_on_with_what_was_missed(desk: Any, target: Receiver) -> None:
    hook, _secret = webhook(target, NOTE)
    target.will(410)
    told(hook.agent)
    page = f"{PATH}{hook.pk}/"
    for place in (page, "/undelivered/"):
        assert "webhook" in said(desk.get(place)).lower()
    assert "Switched off by itself" in said(desk.get(page))
    assert "switched off by itself" in said(desk.get(PATH))
    told(hook.agent)
    assert "1 delivery was missed." in said(desk.get(page))
    answer = desk.post(f"{page}switch/", {"to": "replay"}, follow=True)
    assert "The webhook is switched on. 1 delivery is sent now." in said(answer)
    drain()
    assert len(target.heard) == 2
    desk.post(f"{page}switch/", {"to": "off"})
    desk.post(f"{page}switch/", {"to": "nonsense"})
    hook.refresh_from_db()
    assert (hook.is_active, hook.off_reason) == (False, "hand")


def test_an_alarm_stands_where_administrators_look_until_it_is_switched_on(desk: Any) -> None:
    hook, _secret = webhook("https://hooks.example/", NOTE)
    lead = make.browser(make.agent("Ольга Щербакова", role="lead", language="en"))
    place, words = "/undelivered/", "The webhook “CRM” is switched off by itself"
    assert words not in said(desk.get(place))
    Webhook.objects.update(is_active=False, off_reason="week")
    assert words in said(desk.get(place))
    assert f"{PATH}{hook.pk}/" in said(desk.get(place))
    assert "1" in said(desk.get(f"{place}count/"))
    assert words not in said(lead.get(place)), "only who may change it hears of it"
    actions.switch_on(hook, replay=False, by=make.BY)
    assert words not in said(desk.get(place))


def test_who_hears_nothing_is_told_so(desk: Any) -> None:
    hook, _secret = webhook("https://hooks.example/", NOTE)
    Agent.objects.filter(pk=hook.agent_id).update(is_active=False)
    assert "The program hears nothing" in said(desk.get(f"{PATH}{hook.pk}/"))


def test_the_page_is_found_by_its_words_and_the_webhook_by_its_name(desk: Any) -> None:
    hook, _secret = webhook("https://hooks.example/", NOTE, name="Склад")
    for word in ("webhook", "вебхук", "подпись"):
        assert PATH in said(desk.get("/settings/", {"q": word}))
    assert f"{PATH}{hook.pk}/" in said(desk.get("/settings/", {"q": "склад"}))

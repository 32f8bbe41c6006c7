"""The administrator's screens of the request form."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from zabota.staff import asking
from zabota.staff.models import Consent, RequestForm, Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Any:
    return make.browser(make.administrator(language="en"))


def test_the_form_is_switched_and_its_consent_gets_versions(desk: Any) -> None:
    path = "/settings/request-form/"
    assert "/request/" in desk.get(path).content.decode()
    desk.post(path, {"is_on": "on", "text_ru": "Согласен", "text_en": "I agree"})
    desk.post(path, {"is_on": "on", "text_ru": "Согласен", "text_en": "I agree"})
    assert Consent.objects.count() == 1
    desk.post(path, {"text_ru": "Согласен на всё", "text_en": "I agree"})
    assert Consent.objects.count() == 2
    assert Consent.objects.get(version=1).text_ru == "Согласен"
    assert not RequestForm.objects.get().is_on
    assert "version 2" in desk.get(path).content.decode()


def test_a_new_topic_may_begin_with_a_preset(desk: Any) -> None:
    given = {"name_ru": "Оплата", "queue": make.queue().pk, "is_public": "on", "is_active": "on"}
    desk.post("/settings/topics/new/", given | {"preset": "payment", "signal_words": "горим"})
    topic = Topic.objects.get(name_ru="Оплата")
    assert [one.kind for one in asking.fields_of(topic)][:2] == ["text", "money"]
    page = desk.get(f"/settings/topics/{topic.pk}/fields/").content.decode()
    assert "Number of the order or invoice" in page


def one(n: int, **more: Any) -> dict[str, Any]:
    field = {"label_ru": f"Вопрос {n}", "kind": "text", "ORDER": str(n + 1)} | more
    return {f"f-{n}-{name}": value for name, value in field.items()}


def count(total: int, initial: int) -> dict[str, str]:
    return {"f-TOTAL_FORMS": str(total), "f-INITIAL_FORMS": str(initial)}


def test_fields_are_added_ordered_and_removed(desk: Any) -> None:
    topic = make.topic()
    path = f"/settings/topics/{topic.pk}/fields/"
    choices = "картой | by card\nиначе | otherwise"
    first = one(0, ORDER="2") | one(1, ORDER="1", kind="choice", choices=choices, required="on")
    assert desk.post(path, count(2, 0) | first).status_code == 302
    topic.refresh_from_db()
    found = asking.fields_of(topic)
    assert [field.label_ru for field in found] == ["Вопрос 1", "Вопрос 0"]
    assert found[0].answers("en") == ["by card", "otherwise"]
    second = one(0, kind="choice", choices=choices, DELETE="on") | one(1)
    assert desk.post(path, count(2, 2) | second).status_code == 302
    topic.refresh_from_db()
    assert [field.label_ru for field in asking.fields_of(topic)] == ["Вопрос 1"]


@pytest.mark.parametrize(
    "wrong", [{"pattern": "("}, {"label_ru": ""}, {"kind": "choice"}, {"kind": "magic"}]
)
def test_wrong_fields_are_refused(desk: Any, wrong: dict[str, str]) -> None:
    topic = make.topic()
    answer = desk.post(
        f"/settings/topics/{topic.pk}/fields/", count(1, 0) | one(0, help_ru="подсказка", **wrong)
    )
    assert answer.status_code == 422
    topic.refresh_from_db()
    assert topic.fields == []


def test_topics_have_two_levels(desk: Any) -> None:
    top, part = make.topic("Оплата", "Payment"), make.topic("Счета", "Invoices")
    Topic.objects.filter(pk=part.pk).update(parent=top)
    given = {"name_ru": "Оплата", "queue": make.queue().pk, "is_active": "on"}
    other = make.topic("Другое", "Other")
    path = f"/settings/topics/{top.pk}/"
    assert desk.post(path, given | {"parent": other.pk}).status_code == 422
    assert desk.post(path, given | {"parent": top.pk}).status_code == 422
    assert desk.post(path, given | {"parent": ""}).status_code == 302

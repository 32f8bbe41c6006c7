"""Who is who: identities, merged contacts, mail domains."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from tests import make
from zabota.customers.actions import confirm_domain, identify
from zabota.customers.models import Contact
from zabota.events.models import Event

pytestmark = pytest.mark.django_db


def test_one_address_is_one_contact_whatever_its_case() -> None:
    first = identify("mail", "P.Lebedev@Romashka.example", name="", by=make.BY)
    again = identify("mail", "p.lebedev@romashka.example ", name="Пётр Лебедев", by=make.BY)
    assert first == again
    assert Contact.objects.get().name == "Пётр Лебедев"


def test_a_merged_contact_leads_to_its_heir() -> None:
    heir, merged = make.contact(make.MARIA), make.contact(make.PETR)
    merged.merged_into = heir
    merged.save()
    assert make.contact(make.PETR) == heir


def test_a_name_learnt_later_is_said() -> None:
    nameless = identify("mail", "a@b.example", name="", by=make.BY)
    identify("mail", "a@b.example", name="Анна", by=make.BY)
    identify("mail", "a@b.example", name="Другая", by=make.BY)
    nameless.refresh_from_db()
    assert nameless.name == "Анна"
    changed = Event.objects.get(kind="customers.contact_changed")
    assert changed.facts == {"contact": nameless.pk, "fields": ["name"]}


def test_contacts_merged_in_a_circle_are_still_found() -> None:
    one, two = make.contact(make.MARIA), make.contact(make.PETR)
    Contact.objects.filter(pk=one.pk).update(merged_into=two)
    Contact.objects.filter(pk=two.pk).update(merged_into=one)
    assert make.contact(make.PETR) in {one, two}


def test_a_guessed_zone_is_written_out_as_guessed() -> None:
    guessed = identify("mail", "a@b.example", name="", by=make.BY, time_zone="Asia/Omsk")
    assert (guessed.time_zone, guessed.time_zone_guessed) == ("Asia/Omsk", True)


@pytest.mark.parametrize("domain", ["gmail.com", "yandex.ru", "@mail.ru"])
def test_a_public_mail_service_is_nobodys_domain(domain: str) -> None:
    with pytest.raises(ValidationError):
        confirm_domain(make.account(), domain, by=make.BY)


def test_a_domain_belongs_to_one_account_and_an_unconfirmed_one_joins_nobody() -> None:
    company = make.account(domain="romashka.example")
    with pytest.raises(ValidationError):
        confirm_domain(make.account("ООО «Лютик»"), "romashka.example", by=make.BY)
    assert make.contact(make.PETR).account == company
    assert make.contact(make.JOHN).account is None

"""Contacts and accounts through the programs' door."""

from __future__ import annotations

import pytest

from tests import make
from tests.api.program import Program, integration
from zabota.customers.models import Account, Contact
from zabota.events.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm() -> Program:
    return Program(integration())


def test_a_contact_is_made_once_and_changed(crm: Program) -> None:
    body = {"address": "M.Zhdanova@romashka.example", "name": "Мария Жданова", "language": "en"}
    made = crm.post("/contacts", body).json()
    assert (made["address"], made["language"]) == ("m.zhdanova@romashka.example", "en")
    assert crm.post("/contacts", body).json()["id"] == made["id"]
    account = crm.post("/accounts", {"name": "ООО «Ромашка»"}).json()
    path = f"/contacts/{made['id']}"
    told = crm.patch(path, {"account": account["id"], "name": "Мария Ж."}).json()
    assert (told["account"], told["name"], told["language"]) == (account["id"], "Мария Ж.", "en")
    Contact.objects.update(manages_account=True)
    assert crm.patch(path, {"account": None}).json()["account"] is None
    assert not Contact.objects.get().manages_account
    assert crm.patch(path, {"account": 987654}).status_code == 422
    facts = Event.objects.filter(kind="customers.contact_changed").order_by("id")
    assert [one.facts["fields"] for one in facts] == [
        ["account", "name"], ["account", "manages_account"],
    ]  # fmt: skip
    assert facts[0].actor == f"agent:{crm.token.agent_id}"


def test_contacts_are_found_by_address_and_account(crm: Program) -> None:
    company = make.account(domain="romashka.example")
    petr, john = make.contact(make.PETR), make.contact(make.JOHN)
    assert [one["id"] for one in crm.get("/contacts").json()["items"]] == [john.pk, petr.pk]
    found = crm.get(f"/contacts?address={make.PETR[0]}").json()["items"]
    assert [one["id"] for one in found] == [petr.pk]
    found = crm.get(f"/contacts?account={company.pk}").json()["items"]
    assert [one["id"] for one in found] == [petr.pk]
    Contact.objects.filter(pk=john.pk).update(merged_into=petr)
    assert crm.get(f"/contacts/{john.pk}").json()["id"] == petr.pk
    assert len(crm.get("/contacts").json()["items"]) == 1
    assert crm.get("/contacts/987654").status_code == 404


def test_accounts_tell_their_confirmed_domains(crm: Program) -> None:
    company = make.account(domain="romashka.example")
    assert crm.get(f"/accounts/{company.pk}").json()["domains"] == ["romashka.example"]
    assert crm.get("/accounts/987654").status_code == 404
    assert [one["id"] for one in crm.get("/accounts?limit=1").json()["items"]] == [company.pk]
    made = crm.post("/accounts", {"name": "Nordwind", "language": "en"}).json()
    assert Account.objects.get(pk=made["id"]).language == "en"
    assert crm.post("/accounts", {"name": " "}).status_code == 422

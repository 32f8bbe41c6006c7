"""Contacts and accounts. They belong to no queue: who has the scope reads all of them."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router

from zabota.api import answers, schemas, showing
from zabota.api.door import MOST, Bearer, Caller, caller
from zabota.api.once import once
from zabota.api.paging import page
from zabota.api.problems import wrong
from zabota.customers.actions import change_contact, identify
from zabota.customers.models import Account, Contact
from zabota.staff.actions import save_setting
from zabota.staff.models import Scope

router = Router(tags=["customers"])
READ, WRITE = Bearer(Scope.CUSTOMERS_READ), Bearer(Scope.CUSTOMERS_WRITE)


@router.get(
    "/contacts",
    auth=READ,
    response=answers.ContactPage,
    operation_id="list_contacts",
    summary="List contacts",
)
def list_contacts(request: HttpRequest, asked: Query[schemas.ContactFilter]) -> Any:
    """Contacts, newest first; one that was merged into another is not told."""
    rows = Contact.objects.filter(merged_into=None)
    if asked.address:
        rows = rows.filter(identities__kind="mail", identities__value=asked.address)
    if asked.account:
        rows = rows.filter(account_id=asked.account)
    found, following = page(rows, "-id", asked.cursor, asked.limit)
    return {"items": showing.contacts(found), "next": following}


@router.get(
    "/contacts/{int:number}",
    auth=READ,
    response=answers.Contact,
    operation_id="get_contact",
    summary="Read a contact",
)
def get_contact(request: HttpRequest, number: int) -> Any:
    """One contact; one that was merged leads to his heir."""
    return _shown(_contact(number))


@router.post(
    "/contacts",
    auth=WRITE,
    response={201: answers.Contact},
    operation_id="create_contact",
    summary="Make a contact",
)
def create_contact(request: HttpRequest, body: schemas.NewContact) -> Any:
    """The contact with this address, made when nobody has it."""
    who = caller(request)

    def work() -> dict[str, Any]:
        language = body.language or ""
        by = who.agent.actor
        return _shown(identify("mail", body.address, name=body.name, by=by, language=language))

    return once(request, work, status=201)


@router.patch(
    "/contacts/{int:number}",
    auth=WRITE,
    response=answers.Contact,
    operation_id="change_contact",
    summary="Change a contact",
)
def change(request: HttpRequest, number: int, body: schemas.ContactChanges) -> Any:
    """Change the name, language or account of a contact."""
    who, contact = caller(request), _contact(number)
    return once(request, lambda: _change(who, contact, body))


@router.get(
    "/accounts",
    auth=READ,
    response=answers.AccountPage,
    operation_id="list_accounts",
    summary="List accounts",
)
def list_accounts(request: HttpRequest, asked: Query[schemas.Page]) -> Any:
    """Accounts, newest first."""
    rows = Account.objects.prefetch_related("domains")
    found, following = page(rows, "-id", asked.cursor, asked.limit)
    return {"items": showing.accounts(found), "next": following}


@router.get(
    "/accounts/{int:number}",
    auth=READ,
    response=answers.Account,
    operation_id="get_account",
    summary="Read an account",
)
def get_account(request: HttpRequest, number: int) -> Any:
    """One account."""
    found = Account.objects.prefetch_related("domains").filter(pk=min(number, MOST))
    if not found:
        raise Http404
    return showing.accounts(found)[0]


@router.post(
    "/accounts",
    auth=WRITE,
    response={201: answers.Account},
    operation_id="create_account",
    summary="Make an account",
)
def create_account(request: HttpRequest, body: schemas.NewAccount) -> Any:
    """A new account; names may repeat."""
    who = caller(request)

    def work() -> dict[str, Any]:
        row = Account(name=body.name, language=body.language or "")
        save_setting(row, ["name"], by=who.agent.actor)
        return showing.accounts([row])[0]

    return once(request, work, status=201)


def _contact(number: int) -> Contact:
    found = Contact.objects.filter(pk=min(number, MOST)).first()
    seen = set()
    while found is not None and found.merged_into is not None and found.pk not in seen:
        seen.add(found.pk)
        found = found.merged_into
    if found is None:
        raise Http404
    return found


def _shown(contact: Contact) -> dict[str, Any]:
    return showing.contacts([contact])[0]


def _change(who: Caller, contact: Contact, body: schemas.ContactChanges) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if body.name is not None:
        changes["name"] = body.name[:200]
    if body.language is not None:
        changes["language"] = body.language
    if "account" in body.model_fields_set:
        account = Account.objects.filter(pk=body.account).first() if body.account else None
        if body.account and account is None:
            raise wrong("account", _("There is no such client."))
        changes["account"] = account
    return _shown(change_contact(contact, changes, by=who.agent.actor))

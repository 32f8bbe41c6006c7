from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from zabota.customers.events import DomainConfirmed, DomainReleased
from zabota.customers.models import Account, AccountDomain, Contact
from zabota.events.actor import Actor
from zabota.events.log import record
from zabota.lib import clock

# One person's address there says nothing about a company.
PUBLIC_DOMAINS = frozenset(
    "gmail.com googlemail.com yandex.ru yandex.com ya.ru mail.ru inbox.ru list.ru bk.ru rambler.ru "
    "outlook.com hotmail.com live.com icloud.com me.com yahoo.com proton.me protonmail.com".split()
)


@transaction.atomic
def confirm_domain(account: Account, domain: str, *, by: Actor) -> int:
    """All contacts with this mail domain and no account join `account`; returns how many.

    Raises ValidationError for a public mail service or a domain that another account has.
    """
    domain = domain.strip().lower().lstrip("@")
    if domain in PUBLIC_DOMAINS:
        raise ValidationError(_("%(domain)s is a public mail service.") % {"domain": domain})
    known = list(AccountDomain.objects.select_for_update().filter(domain=domain).order_by("pk"))
    if any(row.confirmed_at and row.account_id != account.pk for row in known):
        raise ValidationError(_("Another client has %(domain)s.") % {"domain": domain})
    own = [row for row in known if row.account_id == account.pk]
    row = own[0] if own else AccountDomain(account=account, domain=domain)
    row.confirmed_at, row.confirmed_by = clock.now(), by.agent_id
    row.save()
    joined = Contact.objects.filter(
        account=None, identities__kind="mail", identities__value__endswith=f"@{domain}"
    ).update(account=account)
    fact = DomainConfirmed(account=account.pk, domain=row.pk, contacts=joined)
    record(fact, stream=f"account:{account.pk}", by=by)
    return joined


@transaction.atomic
def release_domain(domain: AccountDomain, *, by: Actor) -> None:
    """The domain is no longer confirmed: new contacts stay alone, those who joined stay there."""
    row = AccountDomain.objects.select_for_update().get(pk=domain.pk)
    if row.confirmed_at is None:
        return
    row.confirmed_at, row.confirmed_by = None, None
    row.save(update_fields=["confirmed_at", "confirmed_by"])
    fact = DomainReleased(account=row.account_id, domain=row.pk)
    record(fact, stream=f"account:{row.account_id}", by=by)

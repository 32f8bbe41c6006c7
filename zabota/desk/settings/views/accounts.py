"""The companies we serve, and their mail domains."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zabota.customers.actions import confirm_domain, release_domain
from zabota.customers.models import Account, AccountDomain
from zabota.desk.settings import history, pages
from zabota.desk.settings.access import administrators, viewer
from zabota.desk.settings.forms.accounts import AccountForm, DomainForm
from zabota.desk.settings.views.page import sent, show
from zabota.staff.actions import save_setting

ON_A_PAGE = 50


@administrators
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """Clients by name, fifty on a page; `?q=` searches names and domains."""
    query = request.GET.get("q", "").strip()[:100]
    rows = Account.objects.order_by("name", "pk")
    if query:
        named, of_domain = rows.filter(name__icontains=query), query.lower().lstrip("@")
        rows = (named | rows.filter(domains__domain__startswith=of_domain)).distinct()
    counted = rows.prefetch_related("domains").annotate(
        contact_count=Count("contacts", distinct=True)
    )
    found = Paginator(counted, ON_A_PAGE).get_page(request.GET.get("page"))
    return show(request, "accounts", pages.ACCOUNTS, rows=found, query=query)


@administrators
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The form of a client; without `pk` of a new one."""
    row = get_object_or_404(Account, pk=pk) if pk else None
    form = AccountForm(sent(request), instance=row)
    if request.method == "POST" and form.is_valid():
        # Declared by hand, so the form does not copy it by itself.
        form.instance.time_zone = form.cleaned_data["time_zone"]
        save_setting(form.instance, form.changed_data, by=viewer(request).actor)
        messages.success(request, _("Saved: %(name)s.") % {"name": form.instance})
        return redirect("desk:settings:account", form.instance.pk)
    return _show(request, row, form, DomainForm())


@administrators
@require_POST
def domain(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a mail domain: contacts with it join the client."""
    row = get_object_or_404(Account, pk=pk)
    form = DomainForm(request.POST)
    if form.is_valid():
        try:
            joined = confirm_domain(row, form.cleaned_data["domain"], by=viewer(request).actor)
        except ValidationError as error:
            form.add_error("domain", error)
        else:
            text = ngettext(
                "The domain is confirmed; %(num)d contact has joined.",
                "The domain is confirmed; %(num)d contacts have joined.",
                joined,
            )
            messages.success(request, text % {"num": joined})
            return redirect("desk:settings:account", pk)
    return _show(request, row, AccountForm(instance=row), form)


@administrators
@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back the confirmation of the domain named in the form."""
    account, name = get_object_or_404(Account, pk=pk), request.POST.get("domain", "")
    domain = AccountDomain.objects.filter(account=account, domain=name).first()
    if domain is None:
        messages.error(request, _("This client has no such domain."))
    else:
        release_domain(domain, by=viewer(request).actor)
        text = _("%(domain)s is released. Contacts who joined by it stay with this client.")
        messages.success(request, text % {"domain": name})
    return redirect("desk:settings:account", pk)


def _show(
    request: HttpRequest, row: Account | None, form: AccountForm, domain_form: DomainForm
) -> HttpResponse:
    return show(
        request,
        "account",
        pages.ACCOUNTS,
        status=422 if form.errors or domain_form.errors else 200,
        row=row,
        form=form,
        domain_form=domain_form,
        domains=list(row.domains.order_by("domain")) if row else [],
        lines=history.of("account", [row.pk]) if row else [],
    )

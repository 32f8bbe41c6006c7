"""What every settings page shows around its content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from zabota.desk.settings import history, pages


def sent(request: HttpRequest) -> QueryDict | None:
    """What the form sent; None when the page was only opened."""
    return request.POST if request.method == "POST" else None


def show(
    request: HttpRequest,
    template: str,
    page: pages.Page,
    *,
    status: int = 200,
    lines: list[history.Line] | None = None,
    **content: Any,
) -> HttpResponse:
    """The page with its navigation, explanation and change history (`lines`)."""
    around = {"page": page, "groups": pages.GROUPS, "history": lines or []}
    return render(request, f"desk/settings/{template}.html", around | content, status=status)

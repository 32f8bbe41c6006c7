"""All addresses. `/live/…`, `/files/…` and `/healthz` are served before Django, see asgi.py."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path, re_path

from zabota.config import errors, metrics, reference
from zabota.desk.views import invitation

entrance = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]

urlpatterns = [
    path("account/", include(entrance)),
    path("invitation/<str:token>/", invitation.page, name="invitation"),
    path("metrics", metrics.page, name="metrics"),
    path("api/v1/", include("zabota.api.urls")),
    path("settings/programs/reference/", reference.page, name="api_reference"),
    path("", include("zabota.portal.urls")),
    path("", include("zabota.desk.urls")),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error

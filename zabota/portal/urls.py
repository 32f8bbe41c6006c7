from __future__ import annotations

from django.urls import path

from zabota.portal.views import cabinet, confirm, rating, request, ticket

app_name = "portal"

urlpatterns = [
    path("request/", request.topics, name="request"),
    path("request/<int:topic>/", request.form, name="request_form"),
    path("r/<str:token>/", ticket.page, name="ticket"),
    path("r/<str:token>/message/", ticket.message, name="message"),
    path("r/<str:token>/solved/", ticket.solved, name="solved"),
    path("r/<str:token>/file/<int:file>/", ticket.file, name="file"),
    path("r/<str:token>/rate/<int:mark>/", rating.page, name="rate"),
    path("my/", cabinet.page, name="my"),
    path("my/open/", cabinet.open_ticket, name="my_open"),
    path("my/wishes/", cabinet.wishes, name="my_wishes"),
    path("my/leave/", cabinet.leave, name="my_leave"),
    path("confirm/<str:token>/", confirm.page, name="confirm"),
]

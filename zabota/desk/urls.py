from __future__ import annotations

from django.urls import include, path

from zabota.desk.views import (
    answer,
    change,
    files,
    inbox,
    profile,
    quarantine,
    styleguide,
    ticket,
    undelivered,
)

app_name = "desk"

ticket_urls = [
    path("", ticket.page, name="ticket"),
    path("pane/", ticket.pane_part, name="pane"),
    path("row/", ticket.row, name="row"),
    path("context/", ticket.context, name="context"),
    path("reply/", answer.reply, name="reply"),
    path("note/", answer.note, name="note"),
    path("call/", answer.call, name="call"),
    path("retry/<int:message>/", answer.retry, name="retry"),
    path("take/", change.take, name="take"),
    path("assign/", change.assign, name="assign"),
    path("status/", change.status, name="status"),
    path("urgency/", change.urgency, name="urgency"),
    path("topic/", change.topic, name="topic"),
    path("type/", change.type_, name="type"),
    path("tags/", change.tags, name="tags"),
    path("subject/", change.subject, name="subject"),
    path("queue/", change.queue, name="queue"),
    path("undo-move/", change.undo_move, name="undo_move"),
    path("solve/", change.solve, name="solve"),
    path("close/", change.close, name="close"),
    path("reopen/", change.reopen, name="reopen"),
    path("account/", change.account, name="account"),
    path("manager/", change.manager, name="manager"),
    path("recovery/", change.end_recovery, name="recovery"),
    path("link/<int:link>/revoke/", change.revoke_link, name="revoke_link"),
    path("quarantine/retry/", quarantine.retry, name="quarantine_retry"),
    path("quarantine/make-ticket/", quarantine.make_ticket, name="quarantine_make_ticket"),
    path("quarantine/discard/", quarantine.discard, name="quarantine_discard"),
    path("message/<int:message>/body/", files.body, name="body"),
    path("message/<int:message>/original/", files.original, name="original"),
    path("file/<int:file>/", files.attachment, name="file"),
]

urlpatterns = [
    path("", inbox.home, name="home"),
    path("inbox/counts/", inbox.counts, name="counts"),
    path("inbox/search/", inbox.search, name="search"),
    path("inbox/search/rows/", inbox.search_rows, name="search_rows"),
    path("inbox/<slug:view>/", inbox.page, name="inbox"),
    path("inbox/<slug:view>/rows/", inbox.rows, name="rows"),
    path("t/<int:number>/", include(ticket_urls)),
    path("burning/count/", inbox.burning, name="burning_count"),
    path("undelivered/", undelivered.page, name="undelivered"),
    path("undelivered/count/", undelivered.count, name="undelivered_count"),
    path("undelivered/job/retry/", undelivered.retry_jobs, name="retry_jobs"),
    path("undelivered/mail/retry/", undelivered.retry_letters, name="retry_letters"),
    path("undelivered/job/<int:job>/retry/", undelivered.retry_job, name="retry_job"),
    path("undelivered/mail/<int:letter>/retry/", undelivered.retry_letter, name="retry_letter"),
    path("profile/", profile.page, name="profile"),
    path("settings/", include("zabota.desk.settings.urls")),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]

"""Addresses of the settings; all of them are for administrators."""

from __future__ import annotations

from django.urls import path

from zabota.desk.settings.views import (
    accounts,
    agents,
    calendars,
    home,
    imports,
    inboxes,
    programs,
    requests,
    structure,
    system,
)

app_name = "settings"

DEPARTMENT, QUEUE, TOPIC = {"sort": "department"}, {"sort": "queue"}, {"sort": "topic"}

urlpatterns = [
    path("", home.home, name="home"),
    path("standstill/end/", home.end_standstill, name="standstill_end"),
    path("agents/", agents.agents, name="agents"),
    path("agents/new/", agents.invite, name="agent_new"),
    path("agents/<int:pk>/", agents.agent, name="agent"),
    path("agents/<int:pk>/queues/", agents.grants, name="agent_grants"),
    path("agents/<int:pk>/switch/", agents.switch, name="agent_switch"),
    path("agents/<int:pk>/link/", agents.new_link, name="agent_link"),
    path("agents/<int:pk>/second-factor/", agents.second_factor, name="agent_second_factor"),
    path("agents/<int:pk>/sessions/", agents.end_sessions, name="agent_sessions"),
    path("departments/", structure.rows, DEPARTMENT, name="departments"),
    path("departments/new/", structure.edit, DEPARTMENT, name="department_new"),
    path("departments/<int:pk>/", structure.edit, DEPARTMENT, name="department"),
    path("queues/", structure.rows, QUEUE, name="queues"),
    path("queues/new/", structure.edit, QUEUE, name="queue_new"),
    path("queues/<int:pk>/", structure.edit, QUEUE, name="queue"),
    path("queues/<int:pk>/deadlines/", structure.deadlines, name="queue_deadlines"),
    path("topics/", structure.rows, TOPIC, name="topics"),
    path("topics/new/", structure.edit, TOPIC, name="topic_new"),
    path("topics/<int:pk>/", structure.edit, TOPIC, name="topic"),
    path("topics/<int:pk>/fields/", requests.fields, name="topic_fields"),
    path("request-form/", requests.form, name="request_form"),
    path("calendars/", calendars.calendars, name="calendars"),
    path("calendars/new/", calendars.calendar, name="calendar_new"),
    path("calendars/<int:pk>/", calendars.calendar, name="calendar"),
    path("calendars/<int:pk>/day/", calendars.day, name="calendar_day"),
    path("calendars/<int:pk>/day/undo/", calendars.undo_day, name="calendar_day_undo"),
    path("inboxes/", inboxes.inboxes, name="inboxes"),
    path("inboxes/new/", inboxes.inbox, name="inbox_new"),
    path("inboxes/new/check/", inboxes.try_connection, name="inbox_new_check"),
    path("inboxes/<int:pk>/", inboxes.inbox, name="inbox"),
    path("inboxes/<int:pk>/check/", inboxes.try_connection, name="inbox_check"),
    path("inboxes/<int:pk>/folders/", inboxes.folders, name="inbox_folders"),
    path("inboxes/<int:pk>/import/", imports.past, name="import"),
    path("inboxes/<int:pk>/import/progress/", imports.runs, name="import_progress"),
    path("programs/", programs.programs, name="programs"),
    path("programs/new/", programs.new, name="program_new"),
    path("programs/<int:pk>/revoke/", programs.revoke, name="program_revoke"),
    path("system/", system.state, name="system"),
    path("log/", system.log, name="log"),
    path("licences/", system.parts, name="licences"),
    path("clients/", accounts.accounts, name="accounts"),
    path("clients/new/", accounts.account, name="account_new"),
    path("clients/<int:pk>/", accounts.account, name="account"),
    path("clients/<int:pk>/domain/", accounts.domain, name="account_domain"),
    path("clients/<int:pk>/domain/release/", accounts.release, name="account_domain_release"),
]

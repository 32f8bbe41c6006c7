"""`docs/how-to/api.md` does what it says: its commands, as printed, against a real server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from tests import make
from tests.api.program import Program, integration
from tests.site import serving
from zabota.staff.models import Scope
from zabota.tickets.models import Message, Ticket

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "api.md"
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.mark.xdist_group("site")
@pytest.mark.django_db(transaction=True)
def test_the_three_tasks_work_as_printed(tmp_path: Path) -> None:
    ProcrastinateJob.objects.all().delete()
    assert shutil.which("curl"), "curl is needed to try the page"
    make.topic()
    scopes = [Scope.TICKETS_READ, Scope.TICKETS_WRITE]
    program = Program(integration(), scopes)
    told = []
    with serving() as site:
        for command in COMMANDS:
            done = subprocess.run(
                ["sh", "-eu", "-c", command],
                cwd=tmp_path,
                env={
                    "PATH": "/usr/bin:/bin",
                    "LANG": "C.UTF-8",
                    "ZABOTA": f"http://127.0.0.1:{site.port}",
                    "TOKEN": program.secret,
                },
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            told.append(json.loads(done.stdout))
        made, page, answer = told
        # The link to a file is followed by the same server.
        file = answer["attachments"][0]["id"]
        path = f"/api/v1/tickets/{made['number']}/attachments/{file}"
        status, headers, _body = site.request("GET", path, headers=program.headers)
        assert status == 302
        assert "настройки" in site.request("GET", headers["location"])[2].decode()
    ticket = Ticket.objects.get()
    assert made["number"] == ticket.pk
    assert made["expected_at"]
    assert [one["number"] for one in page["items"]] == [ticket.pk]
    assert answer["author"] == "Тимур Хабибуллин"
    assert ticket.status == "waiting_client"
    assert Message.objects.filter(ticket=ticket, direction="out", purpose="").count() == 1

"""What earlier versions left behind is restored, migrated and worked with."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests import archives
from tests.ops.test_cli import zabota
from tests.prepared import python

Env = dict[str, str]
# Every fact is read, every waiting job done, every kind of page opened.
USE = """
import json
from zabota.ops.command import database
with database(migrated=False):
    from django.conf import settings
    from tests import make
    from tests.drain import drain
    from zabota.channels.blobs import get
    from zabota.channels.models import Inbox
    from zabota.events.models import Event
    from zabota.ops.prepare import missing_migrations
    from zabota.staff.models import Agent
    from zabota.tickets.models import Attachment, Message, Ticket
    settings.ALLOWED_HOSTS = ["*"]
    for event in Event.objects.all():
        event.fact
    chief = Agent.objects.filter(role="administrator").first()
    browser = make.browser(chief)
    pages = ["/inbox/open/", "/inbox/solved/", "/inbox/search/?q=код", "/settings/", "/profile/"]
    pages += [f"/t/{ticket.pk}/" for ticket in Ticket.objects.all()]
    broken = {page: code for page in pages if (code := browser.get(page).status_code) != 200}
    print(json.dumps({
        "missing": missing_migrations(), "broken": broken, "done": drain(quiet=True),
        "tickets": Ticket.objects.count(), "messages": Message.objects.count(),
        "files": [len(get(sha)) for sha in Attachment.objects.values_list("sha256", flat=True)],
        "secret": [box.secret() for box in Inbox.objects.all() if box.secret()],
    }))
"""


@pytest.fixture
def env(clean_env: Env) -> Env:
    return clean_env | {"DJANGO_SETTINGS_MODULE": "zabota.config.settings"}


@pytest.mark.parametrize("name", archives.names())
@pytest.mark.parametrize("version", ["zabota.config.settings", "tests.ops.later.settings"])
def test_an_earlier_state_is_restored_migrated_and_worked_with(
    env: Env, folder: Path, name: str, version: str
) -> None:
    """The second version brings migrations of its own, so that there are some to run always."""
    env = env | {"DJANGO_SETTINGS_MODULE": version, "PYTHONPATH": "."}
    path = archives.unpack(name, folder)
    status, text = zabota(env, folder, "restore", str(path))
    assert status == 0, text
    told = json.loads(python(env, folder, USE).splitlines()[-1])
    assert told["missing"] == []
    assert told["broken"] == {}
    assert told["done"] > 0, "the jobs that waited were done"
    assert told["tickets"] >= 4
    assert told["messages"] >= 6
    assert 200 in told["files"]
    assert told["secret"] == ["a password"]


def test_the_archive_knows_the_migrations_of_its_time(tmp_path: Path) -> None:
    for name in archives.names():
        with tarfile.open(archives.unpack(name, tmp_path)) as tar:
            part = tar.extractfile("manifest.json")
            assert part is not None
            manifest = json.load(io.TextIOWrapper(part, "utf-8"))
        assert len(manifest["migrations"]) >= 100
        assert not [one for one in manifest["migrations"] if one.startswith("later.")]


def test_every_release_left_one() -> None:
    assert archives.names() != []
    missing = archives.lacking(archives.tags(), archives.names())
    assert missing == [], f"make release-archive VERSION={missing[0]} at that tag, then commit"
    assert archives.lacking(["v1.0.0", "v1.1.0", "vendor"], ["v1.0.0"]) == ["v1.1.0"]


def test_a_name_that_leads_elsewhere_is_refused() -> None:
    for name in ("../v1", "", "a/b"):
        with pytest.raises(SystemExit):
            archives.write(name)

"""Uploads that are far too large, or end in the middle, leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site import Site, serving
from zabota.channels.models import RawMessage
from zabota.portal.models import Attempt
from zabota.tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    "Content-Length: {length}\r\n\r\n--b\r\nContent-Disposition: form-data; "
    'name="files"; filename="film.mp4"\r\n\r\n'
)


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: object) -> Iterator[Site]:
    with serving() as running:
        yield running


@pytest.mark.parametrize("path", ["/request/1/", "/r/some-token/message/"])
@pytest.mark.parametrize("length", [2 * 1024**3, 20 * 1024**2])
def test_a_cut_upload_leaves_nothing(site: Site, path: str, length: int) -> None:
    line = site.raw(HEAD.format(path=path, length=length).encode())
    try:
        line.sendall(b"x" * 1024**2)
    except (BrokenPipeError, ConnectionResetError):
        # Refused before it was sent: the length alone was too much.
        assert length > 1024**3
    line.close()
    assert site.request("GET", "/healthz")[0] == 200
    assert not Ticket.objects.exists()
    assert not RawMessage.objects.exists()
    assert not Attempt.objects.exists()

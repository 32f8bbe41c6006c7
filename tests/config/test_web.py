"""The web door as a browser and a monitor see it: headers, errors, health, metrics, files."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.test import Client, override_settings

from tests import make
from tests.site import Site, serving
from zabota.channels import blobs
from zabota.config.downloads import disposition
from zabota.lib import clock, crypto, signing

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: object) -> Iterator[Site]:
    with serving() as running:
        yield running


def test_pages_carry_safe_headers(client: Client) -> None:
    answer = client.get("/account/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_request_has_one_number_everywhere(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "zabota.access"):
        answer = client.get("/nowhere?token=secret", headers={"X-Request-ID": "proxy-12345678"})
    assert answer.headers["X-Request-ID"] == "proxy-12345678"
    assert "proxy-12345678" in answer.content.decode()
    (row,) = [row for row in caplog.records if row.name == "zabota.access"]
    assert row.getMessage().startswith("GET ")
    assert "secret" not in str(vars(row))
    assert vars(row)["status"] == 404
    forged = client.get("/nowhere", headers={"X-Request-ID": "a\tb {evil}"})
    assert forged.headers["X-Request-ID"] != "a\tb {evil}"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "There is no such page"), ("en-GB,ru;q=0.5", "no such page")]
)
def test_an_unknown_page_says_what_to_do(client: Client, language: str, words: str) -> None:
    answer = client.get("/nowhere/", headers={"Accept-Language": language})
    assert answer.status_code == 404
    assert words in answer.content.decode()
    assert "<html" in answer.content.decode()
    fragment = client.get("/nowhere/", headers={"Accept-Language": "en", "HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert words[-12:] in fragment.content.decode()


def test_an_outdated_form_is_told_so() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/account/login/", {"login": "a"}, headers={"Accept-Language": "en"})
    assert answer.status_code == 403
    assert "This form has become outdated" in answer.content.decode()
    assert "style=" not in answer.content.decode()
    assert "Content-Security-Policy" in answer.headers


@override_settings(ROOT_URLCONF="tests.site_urls")
def test_a_failing_page_is_told_so_even_without_templates() -> None:
    client = Client(raise_request_exception=False)
    answer = client.get("/test/broken", headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    with mock.patch("zabota.config.errors.render_to_string", side_effect=OSError):
        bare = client.get("/test/broken")
    assert bare.status_code == 500
    assert bare.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_pages_speak_the_language_of_the_agent(client: Client) -> None:
    person = make.agent(language="en")
    client.force_login(person)
    english = client.get("/account/sessions/", headers={"Accept-Language": "ru"})
    assert '<html lang="en"' in english.content.decode()
    assert english.headers["Content-Language"] == "en"
    after = Client().get("/account/login/", headers={"Accept-Language": "ru"})
    assert '<html lang="ru"' in after.content.decode(), "the language of one request does not stick"


def test_the_list_of_sessions_costs_no_write_at_each_page(
    client: Client, django_assert_max_num_queries: object
) -> None:
    client.force_login(make.agent())
    client.get("/account/2fa/")
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        client.get("/account/2fa/")


def test_metrics_are_for_this_machine_and_administrators(client: Client) -> None:
    assert b"zabota_jobs_waiting 0" in client.get("/metrics", headers={"Host": "127.0.0.1"}).content
    for outside in (Client(REMOTE_ADDR="203.0.113.9"), Client(headers={"Host": "desk.example"})):
        with override_settings(ALLOWED_HOSTS=["desk.example", "127.0.0.1", "testserver"]):
            assert outside.get("/metrics").status_code == 404
    for person, status in ((make.agent(), 404), (make.administrator(), 200)):
        far = Client(REMOTE_ADDR="203.0.113.9")
        far.force_login(person)
        assert far.get("/metrics").status_code == status


def test_health(site: Site) -> None:
    found = site.json("GET", "/healthz")
    assert found == {"ok": True, "database": "ok", "migrations": "done", "version": mock.ANY}


def stored(content: bytes = b"0123456789") -> str:
    sha256, _ = blobs.put([content])
    return sha256


def test_a_file_is_served_to_its_session_only(site: Site) -> None:
    link = signing.file_link(stored(), "счёт №7.html", "text/html", session_key="mine")
    status, headers, body = site.request("GET", link, headers={"Cookie": "sessionid=mine"})
    assert (status, body) == (200, b"0123456789")
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment; ")
    assert (
        "filename*=UTF-8''%D1%81%D1%87%D1%91%D1%82%20%E2%84%967.html"
        in (headers["content-disposition"])
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["cache-control"] == "private, no-store"
    part = {"Cookie": "sessionid=mine", "Range": "bytes=2-4"}
    assert site.request("GET", link, headers=part)[::2] == (206, b"234")
    for cookie in ({}, {"Cookie": "sessionid=other"}):
        assert site.request("GET", link, headers=cookie)[0] == 404


def test_forged_missing_and_foreign_files(site: Site) -> None:
    good = signing.file_link(stored(), "a.png", "image/png", inline=True)
    assert site.request("GET", good)[1]["content-type"] == "image/png"
    assert site.request("GET", good[:-2] + "xx")[0] == 404
    assert site.request("GET", "/files/nonsense")[0] == 404
    for name in ("0" * 64, "../../../etc/passwd"):
        assert site.request("GET", signing.file_link(name, "x", "image/png"))[0] == 404
    script = signing.file_link(stored(), "a.svg", "image/svg+xml", inline=True)
    headers = site.request("GET", script)[1]
    assert headers["content-disposition"].startswith("attachment")


def test_a_file_link_lives_a_minute() -> None:
    link = signing.file_link("a" * 64, "x", "y", session_key="s")
    token = link.removeprefix("/files/")
    assert signing.read_file_link(token, "s").sha256 == "a" * 64
    later = time.time() + 61
    with (
        mock.patch("django.core.signing.time.time", return_value=later),
        pytest.raises(signing.BadLink),
    ):
        signing.read_file_link(token, "s")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ('a"b\r\nSet-Cookie: x.txt', 'filename="abSet-Cookie: x.txt"'),
        ("../../etc/passwd", 'filename="....etcpasswd"'),
        ("отчёт\u202egpj.exe", 'filename="_____gpj.exe"'),
    ],
)
def test_file_names_cannot_break_the_header(name: str, plain: str) -> None:
    told = disposition(name)
    assert plain in told
    assert "\n" not in told
    assert "%E2%80%AE" not in told


def test_secrets_need_the_right_key() -> None:
    sealed = crypto.encrypt("пароль")
    assert "пароль" not in sealed
    assert crypto.decrypt(sealed) == "пароль"
    with override_settings(SECRET_KEY="another"), pytest.raises(crypto.WrongKey):
        crypto.decrypt(sealed)


def test_an_ended_account_hears_it_at_the_next_click(client: Client) -> None:
    person = make.agent(expires_at=clock.now() + timedelta(minutes=5))
    client.force_login(person)
    assert client.get("/account/sessions/").status_code == 200
    with clock.shifted(timedelta(minutes=6)):
        assert client.get("/account/sessions/").headers["Location"] == "/account/login/"

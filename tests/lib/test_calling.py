"""The client for addresses that users gave: where it goes, where it does not, and for how long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.receiver import receiving
from zabota.lib import calling
from zabota.lib.networks import Reach, networks

OPEN = Reach(networks(["127.0.0.0/8"]))
PUBLIC = Reach()

CLOSED = """
    127.0.0.1 127.8.9.10 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255
    192.168.0.1 169.254.1.1 169.254.169.254 100.64.0.1 100.127.255.255 100.100.100.200
    168.63.129.16 192.0.0.1 192.0.0.192 192.0.2.5 192.88.99.1 198.18.0.1 198.19.255.255
    198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd12:3456::1 fd00:ec2::254 ff02::1 100::1
    2001:db8::1 2001::1 2001:10::1 2002:7f00:1::1 2002:808:808::1 3fff::1 4000::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1
    64:ff9b::a9fe:a9fe 64:ff9b:1::1 nonsense
""".split()
REACHED = """
    8.8.8.8 1.1.1.1 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.1 192.0.1.1 198.20.0.1
    223.255.255.255 2606:4700:4700::1111 2a02:6b8::2:242 ::ffff:8.8.8.8 64:ff9b::808:808
""".split()


def said(*addresses: str) -> Callable[[str, int, float], list[str]]:
    """A look-up that brings these for any name."""
    return lambda host, port, seconds: list(addresses)


def call(url: str, within: Reach = OPEN, **more: object) -> calling.Answer:
    given: dict[str, object] = {"headers": {"X-One": "1"}, "body": b"{}", "within": within} | more
    return calling.call("POST", url, **given)  # type: ignore[arg-type]


def refusal(url: str, within: Reach = PUBLIC, **more: object) -> str:
    with pytest.raises(calling.Failed) as told:
        call(url, within, **more)
    return told.value.code


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Whatever is connected to, but loopback, is only noted."""
    asked: list[tuple[str, int]] = []
    real = socket.create_connection

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address)
        if address[0] != "127.0.0.1":
            raise OSError(101, "Network is unreachable")
        return real(address, timeout)

    monkeypatch.setattr(socket, "create_connection", connect)
    return asked


@pytest.mark.parametrize("address", CLOSED)
def test_closed_addresses_are_refused_after_resolution(
    address: str, nowhere: list[tuple[str, int]]
) -> None:
    assert refusal("https://hooks.example/", resolve=said(address)) == "network"
    mixed = said("8.8.8.8", address)
    assert refusal("https://hooks.example/", resolve=mixed) == "network"
    assert nowhere == []


@pytest.mark.parametrize("address", REACHED)
def test_public_addresses_are_called(address: str, nowhere: list[tuple[str, int]]) -> None:
    assert refusal("https://hooks.example:8443/", resolve=said(address)) == "connect"
    assert nowhere == [(address, 8443)], "what was checked is what is called"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"]
)
def test_the_systems_own_look_up_hides_no_loopback(
    host: str, nowhere: list[tuple[str, int]]
) -> None:
    assert refusal(f"https://{host}/") == "network"
    assert nowhere == []


def test_a_named_network_is_called_but_never_the_secrets_of_a_cloud() -> None:
    named = Reach(networks(["10.1.0.0/16", "169.254.0.0/16", "fd00::/8"]))
    assert named.allows("10.1.2.3")
    assert named.allows("::ffff:10.1.2.3")
    assert named.allows("fd12::1")
    assert not named.allows("10.2.0.1")
    assert not named.allows("169.254.169.254")
    assert not named.allows("fd00:ec2::254")
    assert named.allows("8.8.8.8")
    assert not Reach(networks(["127.0.0.0/8"]), is_public_open=False).allows("8.8.8.8")
    with pytest.raises(ValueError, match="300"):
        networks(["10.1.0.300"])


def test_plain_http_goes_to_named_networks_only() -> None:
    assert refusal("http://hooks.example/", resolve=said("8.8.8.8")) == "plain"
    with receiving() as target:
        assert call(target.url).status == 204


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "https:///x",
        "https://user:secret@hooks.example/", "https://hooks.example@127.0.0.1/",
        "https://hooks.example:0/", "https://hooks.example:99999/", "https://hooks .example/",
        "https://hooks.example/\r\nX: 1", "https://hooks.example\\@127.0.0.1/",
        "https://" + "a" * 64 + "é.example/", "https://hooks.example/" + "a" * 2000,
        "https://[::1/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told(url: str) -> None:
    assert refusal(url, resolve=said("8.8.8.8")) == "address"


def test_an_address_is_taken_apart() -> None:
    taken = calling.target_of("https://пример.рф:8443/приём/x?q=да&b=%20#part")
    assert taken.host == "xn--e1afmkfd.xn--p1ai"
    assert taken.path == "/%D0%BF%D1%80%D0%B8%D1%91%D0%BC/x?q=%D0%B4%D0%B0&b=%20"
    assert taken.named == "xn--e1afmkfd.xn--p1ai:8443"
    assert calling.target_of("https://[2606:4700::1]/").named == "[2606:4700::1]"
    assert calling.target_of("http://hooks.example.").named == "hooks.example"


def test_request_and_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving() as target:
        target.will(302, Location="http://127.0.0.1:1/elsewhere")
        answer = call(target.url)
        assert (answer.status, answer.body) == (302, b"It said so.")
        assert answer.headers["location"] == "http://127.0.0.1:1/elsewhere"
        (heard,) = target.heard
    assert heard.path == "/hook?from=zabota"
    assert heard.headers["host"] == f"127.0.0.1:{target.port}"
    assert heard.headers["x-one"] == "1"
    assert heard.headers["user-agent"].startswith("Zabota/")
    assert refusal(target.url, OPEN) == "connect", "nobody listens any more"


def test_the_name_is_asked_for_once(nowhere: list[tuple[str, int]]) -> None:
    """A name that leads elsewhere the second time (DNS rebinding) gains nothing."""
    asked: list[str] = []

    def resolve(host: str, port: int, seconds: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with receiving() as target:
        url = f"http://rebinding.example:{target.port}/"
        assert call(url, resolve=resolve).status == 204
        assert target.heard[0].headers["host"] == f"rebinding.example:{target.port}"
    assert asked == ["rebinding.example"]
    assert nowhere == [("127.0.0.1", target.port)]


def test_a_certificate_must_fit_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    here = said("127.0.0.1")
    with receiving(authority.sign("hooks.example").context()) as target:
        url = f"https://hooks.example:{target.port}/"
        assert refusal(url, OPEN, resolve=here) == "certificate"
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert call(url, resolve=here).status == 204
        other = f"https://other.example:{target.port}/"
        assert refusal(other, OPEN, resolve=here) == "certificate"
        assert len(target.heard) == 1
    with receiving() as plain:
        assert refusal(f"https://hooks.example:{plain.port}/", OPEN, resolve=here) == "tls"


@contextmanager
def speaking(parts: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """A server that says these parts to the first who connects."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _address = listener.accept()
        with line:
            line.recv(65536)
            try:
                for part in parts():
                    line.sendall(part)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()
    thread.join(5)


def trickling(first: bytes) -> Callable[[], Iterator[bytes]]:
    """Never silent for long, never done."""

    def parts() -> Iterator[bytes]:
        yield first
        for _ in range(200):
            time.sleep(0.05)
            yield b"X"

    return parts


def test_who_trickles_is_cut_off() -> None:
    start = time.monotonic()
    with speaking(trickling(b"HTTP/1.1 200 OK\r\nX-Long: ")) as url:
        assert refusal(url, OPEN, seconds=0.4) == "too-slow"
    with speaking(trickling(b"HTTP/1.1 200 OK\r\n\r\n")) as url:
        answer = call(url, seconds=0.4)
        assert answer.status == 200, "the status is known, the rest does not matter"
        assert answer.body.startswith(b"XX")
    assert time.monotonic() - start < 3


def test_a_look_up_without_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_more: time.sleep(2))
    start = time.monotonic()
    assert refusal("https://hooks.example/", seconds=0.2) == "too-slow"
    assert time.monotonic() - start < 1


def test_long_and_broken_answers() -> None:
    with speaking(lambda: iter([b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 300_000])) as url:
        assert len(call(url).body) == calling.MOST
    with speaking(lambda: iter([b"SSH-2.0-OpenSSH\r\n"])) as url:
        assert refusal(url, OPEN) == "broken"
    with speaking(lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"])) as url:
        assert call(url).body == b"short"


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_given: object, **_more: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert refusal("https://hooks.example/") == "unknown-host"
    assert refusal("https://hooks.example/", resolve=said()) == "unknown-host"

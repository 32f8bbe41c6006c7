"""Asking ClamAV, when the administrator named its socket (protocol: clamd(8), INSTREAM)."""

from __future__ import annotations

import socket
import struct
from enum import StrEnum

from django.conf import settings

from zabota.channels import blobs

TIMEOUT = 20.0
CHUNK = 64 * 1024


class Verdict(StrEnum):
    """CLEAN also stands for "no scanner is configured"; UNKNOWN: it did not answer."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNKNOWN = "unknown"


def scan(sha256: str) -> Verdict:
    """The scanner's word on a stored file; waits at most 20 s a step."""
    if not settings.CLAMAV_SOCKET:
        return Verdict.CLEAN
    try:
        answer = _ask(settings.CLAMAV_SOCKET, sha256)
    except OSError:
        return Verdict.UNKNOWN
    if answer.endswith(b"OK"):
        return Verdict.CLEAN
    return Verdict.INFECTED if answer.endswith(b"FOUND") else Verdict.UNKNOWN


def _ask(where: str, sha256: str) -> bytes:
    with _connect(where) as connection, blobs.path_of(sha256).open("rb") as file:
        connection.sendall(b"zINSTREAM\0")
        while chunk := file.read(CHUNK):
            connection.sendall(struct.pack("!I", len(chunk)) + chunk)
        connection.sendall(struct.pack("!I", 0))
        return connection.recv(4096).rstrip(b"\0\n ")


def _connect(where: str) -> socket.socket:
    host, colon, port = where.rpartition(":")
    if colon and port.isdigit():
        return socket.create_connection((host, int(port)), timeout=TIMEOUT)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    connection.connect(where)
    return connection

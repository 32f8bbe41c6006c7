"""Small files that clients attach: charts and screens (PNG), tables, log heads, documents (PDF)."""

from __future__ import annotations

import random
import struct
import zlib

WIDTH, HEIGHT = 420, 200
# Palette: white, grid, text, blue, red, green, light blue, grey.
PALETTE = bytes.fromhex("ffffff e3e7ee 5d6677 2558d8 b3161b 0b6b3a cfdcff f1f3f7".replace(" ", ""))
_FONT = dict(
    zip(
        "0123456789:%",
        "75557 26227 71747 71717 55711 74717 74757 71111 75757 75717 02020 51245".split(),
        strict=True,
    )
)
Canvas = list[bytearray]


def png(rows: Canvas) -> bytes:
    """An indexed PNG of rows of palette numbers."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 6)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"PLTE", PALETTE)
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def _fill(rows: Canvas, left: int, top: int, width: int, height: int, colour: int) -> None:
    for y in range(max(top, 0), min(top + height, len(rows))):
        end = min(left + width, len(rows[y]))
        rows[y][left:end] = bytes([colour]) * max(end - left, 0)


def _write(rows: Canvas, left: int, top: int, text: str, scale: int = 2) -> None:
    """Digits, colon and percent in a 3 × 5 letter."""
    for letter in text:
        for y, bits in enumerate(_FONT[letter]):
            for x in range(3):
                if int(bits) >> (2 - x) & 1:
                    _fill(rows, left + x * scale, top + y * scale, scale, scale, 2)
        left += 4 * scale


def chart(rng: random.Random) -> bytes:
    """A day's line of response times that jumps up at some hour."""
    rows = [bytearray(WIDTH) for _ in range(HEIGHT)]
    top, bottom, left = 12, HEIGHT - 24, 44
    for number in range(5):
        y = bottom - number * (bottom - top) // 4
        _fill(rows, left, y, WIDTH - left - 10, 1, 1)
        _write(rows, 6, y - 5, str(number * 250))
    for hour in range(0, 24, 4):
        _write(rows, left + hour * (WIDTH - left - 10) // 24, bottom + 8, f"{hour:02}:00", 1)
    jump, calm, high = rng.randint(150, 330), rng.uniform(18, 40), rng.uniform(80, 140)
    level = calm
    for x in range(left, WIDTH - 10):
        goal = high if x - left > jump else calm
        level += (goal - level) * 0.2 + rng.uniform(-5, 5)
        y = bottom - round(max(level, 2))
        _fill(rows, x, y, 1, bottom - y, 6)
        _fill(rows, x, y, 2, 2, 4 if goal == high else 3)
    return png(rows)


def screen(rng: random.Random) -> bytes:
    """A window with an address bar, a warning box and lines of text."""
    rows = [bytearray([7]) * WIDTH for _ in range(HEIGHT)]
    _fill(rows, 0, 0, WIDTH, 26, 1)
    for number, colour in enumerate((4, 5, 3)):
        _fill(rows, 10 + number * 14, 9, 8, 8, colour)
    _fill(rows, 60, 6, WIDTH - 80, 14, 0)
    _fill(rows, 66, 12, rng.randint(90, 220), 3, 2)
    _fill(rows, 40, 44, WIDTH - 80, 62, 0)
    _fill(rows, 40, 44, 5, 62, 4)
    _write(rows, 60, 54, str(rng.choice((500, 502, 403, 404, 503))), 4)
    for line in range(3):
        _fill(rows, 130, 56 + line * 12, rng.randint(90, 230), 4, 2 if line == 0 else 1)
    for line in range(5):
        _fill(rows, 40, 122 + line * 13, rng.randint(120, 330), 5, 1)
    _write(rows, WIDTH - 60, HEIGHT - 16, f"{rng.randint(8, 20):02}:{rng.randint(10, 59)}")
    return png(rows)


def table(rng: random.Random) -> bytes:
    """A semicolon table of orders, as spreadsheets export it."""
    lines = ["order;date;items;sum;state"]
    for _ in range(rng.randint(12, 40)):
        day = f"{rng.randint(1, 28):02}.{rng.randint(1, 12):02}"
        state = rng.choice(("paid", "delivered", "returned", "open"))
        lines.append(
            f"{rng.randint(10**5, 10**6)};{day};{rng.randint(1, 9)};"
            f"{rng.randint(300, 90000)};{state}"
        )
    return "\r\n".join(lines).encode()


def headers(rng: random.Random, domain: str) -> bytes:
    """The head of a mail, as asked for by support."""
    ip = f"203.0.113.{rng.randint(2, 250)}"
    lines = [
        f"Return-Path: <invoice@{domain}>",
        f"Received: from crm.{domain} ({ip}) by mx.mailbox.example; id {rng.randint(10**8, 10**9)}",
        f"Authentication-Results: mx.mailbox.example; spf=fail smtp.mailfrom={domain}; dkim=none",
        f"From: <invoice@{domain}>",
        f"X-Spam-Score: {rng.randint(50, 99) / 10}",
    ]
    return "\r\n".join(lines).encode()


def document(rng: random.Random, title: str) -> bytes:
    """A one-page PDF with a title and a few numbers (PDF 1.4, built-in font)."""
    lines = [title, *(f"{n}. {rng.randint(100, 9999)} x {rng.randint(2, 40)}" for n in range(1, 6))]
    shown = " ".join(f"({line}) Tj 0 -22 Td" for line in lines)
    stream = f"BT /F1 14 Tf 60 780 Td {shown} ET".encode("latin-1", "replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources "
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table_at = len(made)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(parts) + 1, rows)
    return made + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(parts) + 1,
        table_at,
    )

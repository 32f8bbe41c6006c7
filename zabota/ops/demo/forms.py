"""Posted forms of the mailbox page, read by Django's parsers."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from starlette.requests import Request

LARGEST = 12 * 1024 * 1024


class TooLarge(Exception):
    """The form is over the limit."""


@dataclass
class Form:
    """Fields by name, and (name, type, content) of the files."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)

    def get(self, name: str) -> str:
        """A field without blanks around it; '' when absent."""
        return self.fields.get(name, "").strip()


async def read(request: Request) -> Form:
    """The posted form; raises TooLarge. What is no form counts as an empty one."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise TooLarge
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return Form({name: str(value) for name, value in QueryDict(bytes(body)).items()})
    meta: dict[str, Any] = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    handler = MemoryFileUploadHandler()
    handler.chunk_size = LARGEST
    handler.activated = True
    try:
        fields, files = MultiPartParser(meta, BytesIO(bytes(body)), [handler], "utf-8").parse()
    except MultiPartParserError:
        return Form()
    taken = [
        (str(one.name), str(one.content_type or "application/octet-stream"), one.read())
        for group in files.lists()
        for one in group[1]
        if one.name
    ]
    return Form({name: str(value) for name, value in fields.items()}, taken)

"""The page of the programs' door: all of the document, in both languages, with examples that keep
to it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, override_settings
from django.utils import translation
from jsonschema_rs import Draft202012Validator

from tests import make
from zabota.api import problems
from zabota.api.document import PREFIX
from zabota.api.extracting import extract, one_line
from zabota.api.fields import said
from zabota.api.reference import CURES
from zabota.api.urls import document

PATH = "/settings/programs/reference/"
DOCUMENT = document()
OPERATIONS = {
    one["operationId"]: (method, path, one)
    for path, operations in DOCUMENT["paths"].items()
    for method, one in operations.items()
}


class Reader(HTMLParser):
    """The text of each operation and object by its id, their code blocks, and all links."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: dict[str, str] = {}
        self.blocks: dict[str, list[str]] = {}
        self.fields: dict[str, set[str]] = {}
        self.inside, self.in_block, self.in_term = "", False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if found := given.get("id"):
            self.ids.append(found)
        if tag in {"h2", "h3"}:
            self.inside = found or ""
        if tag == "a" and (link := given.get("href")):
            self.links.append(link)
        if tag == "dt":
            self.in_term = True
        if tag == "pre":
            self.blocks.setdefault(self.inside, []).append("")
            self.in_block = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self.in_block = False

    def handle_data(self, data: str) -> None:
        self.texts[self.inside] = self.texts.get(self.inside, "") + data
        if self.in_term and data.strip():
            # The first of a term is its name.
            self.fields.setdefault(self.inside, set()).add(data)
            self.in_term = False
        if self.in_block:
            self.blocks[self.inside][-1] += data


def opened(language: str) -> tuple[Reader, Client]:
    client = make.browser(make.administrator(language=language))
    answer = client.get(PATH)
    assert answer.status_code == 200
    reader = Reader()
    reader.feed(answer.content.decode())
    return reader, client


def schema_of(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": DOCUMENT["components"]})


def names(schema: dict[str, Any], before: str = "") -> Iterator[str]:
    """The names of all fields of a body, those of its parts with dots."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, part in schema.get("properties", {}).items():
        yield before + name
        yield from names(part, f"{before}{name}.")


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_operation_is_there_with_all_that_it_takes(language: str) -> None:
    reader, _client = opened(language)
    assert len(OPERATIONS) > 20
    for key, (method, path, one) in OPERATIONS.items():
        text = reader.texts[key]
        assert method.upper() in text
        assert path in text
        wanted = {it["name"] for it in one["parameters"] if it["in"] in {"path", "query"}}
        for content in one.get("requestBody", {}).get("content", {}).values():
            wanted |= set(names(content["schema"]))
        good = next(it for status, it in one["responses"].items() if status < "400")
        wanted |= {"Location"} & {*good["headers"]}
        assert reader.fields.get(key, set()) == wanted, key
        for scope in one["security"][0]["Bearer"]:
            assert scope in text
        for status, answer in one["responses"].items():
            assert status in text
            for content in answer.get("content", {}).values():
                assert not [name for name in content.get("examples", ()) if name not in text]
    objects = {name for name in reader.ids if name.startswith("object-")}
    for name in objects:
        assert reader.texts[name]
    assert {"object-Ticket", "object-Message", "object-Attached", "object-Me"} <= objects


@pytest.mark.django_db
def test_the_commands_keep_to_the_document() -> None:
    reader, _client = opened("en")
    for key, (method, path, one) in OPERATIONS.items():
        command, *answers = reader.blocks[key]
        words = shlex.split(command.replace("\\\n", " "))
        assert words.pop(0) == "curl"
        found: dict[str, list[str]] = {"": []}
        while words:
            word = words.pop(0)
            found.setdefault(word, []).append(words.pop(0)) if word in {
                "-H", "-X", "-d", "-F", "-o",
            } else found[""].append(word)  # fmt: skip
        (address,) = [word for word in found[""] if word != "-L"]
        sends = bool({"-d", "-F"} & set(found))
        assert found.get("-X", ["POST" if sends else "GET"]) == [method.upper()]
        assert "Authorization: Bearer $TOKEN" in found["-H"]
        asked = urlsplit(address.removeprefix("$ZABOTA"))
        assert re.fullmatch(re.sub(r"\\{\w+\\}", r"\\d+", re.escape(path)), asked.path), asked
        parameters = {it["name"]: it for it in one["parameters"] if it["in"] == "query"}
        for name, values in parse_qs(asked.query).items():
            schema = parameters[name]["schema"]
            kind = schema.get("type") or schema["anyOf"][0]["type"]
            value: Any = values if kind == "array" else values[0]
            schema_of(schema).validate(int(value) if kind == "integer" else value)
        content = one.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            assert "Content-Type: application/json" in found["-H"]
            schema_of(content["application/json"]["schema"]).validate(json.loads(found["-d"][0]))
        elif content:
            assert found["-F"] == ["file=@steps.txt"]
        else:
            assert not sends
        good = next(it for status, it in one["responses"].items() if status < "400")
        if "content" in good:
            schema = good["content"]["application/json"]["schema"]
            schema_of(schema).validate(json.loads(answers[0]))
        else:
            assert not answers


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ru", "en"])
def test_all_its_links_lead_somewhere(language: str) -> None:
    reader, client = opened(language)
    assert len(set(reader.ids)) == len(reader.ids)
    inside = {link.removeprefix("#") for link in reader.links if link.startswith("#")}
    assert len(inside) > len(OPERATIONS)
    assert inside <= {*reader.ids}
    assert {f"problem-{one.name}" for one in problems.SORTS} <= inside | {"problem-method"}
    for link in sorted({link for link in reader.links if link.startswith("/")}):
        assert client.get(link, follow=True).status_code == 200, link
    page = client.get("/settings/programs/").content.decode()
    assert f'href="{PATH}"' in page, "where tokens are made"


def told() -> Iterator[str]:
    """What the document says of operations, what they take and what they answer."""

    def walk(part: Any) -> Iterator[str]:
        if isinstance(part, list):
            for one in part:
                yield from walk(one)
        elif isinstance(part, dict):
            for key, value in part.items():
                if key in {"description", "summary"} and isinstance(value, str):
                    yield value
                elif key not in {"responses", "example", "examples"}:
                    yield from walk(value)

    yield from walk([DOCUMENT["paths"], DOCUMENT["components"]["schemas"], DOCUMENT["tags"]])


def test_what_the_document_says_is_said_in_russian() -> None:
    texts = {one_line(text) for text in told()} - {"Problem details, RFC 9457."}
    assert len(texts) > 150
    with translation.override("ru"):
        same = [text for text in sorted({*texts, *CURES.values()}) if said(text) == text]
    assert same == []


@pytest.mark.django_db
def test_the_document_stays_english() -> None:
    opened("ru")
    shown = Client().get(f"{PREFIX}/openapi.json", headers={"Accept-Language": "ru"}).json()
    assert shown == json.loads(json.dumps(DOCUMENT))
    assert not [text for text in told() if re.search("[а-яё]", text.lower())]


@pytest.mark.django_db
@override_settings(API_PER_MINUTE=77, MAX_UPLOAD_MB=9)
def test_the_limits_are_those_of_this_installation() -> None:
    reader, _client = opened("en")
    assert "77 requests of one token" in reader.texts["limits"]
    assert "9.0 MB" in reader.texts["limits"]
    assert "waits 2 days" in reader.texts["limits"]
    (problem,) = reader.blocks["problems"]
    schema_of({"$ref": "#/components/schemas/Problem"}).validate(json.loads(problem))
    assert set(CURES) == {one.name for one in problems.SORTS}


@pytest.mark.django_db
def test_a_refusal_is_shown_in_the_words_it_would_have() -> None:
    reader, _client = opened("ru")
    (problem,) = reader.blocks["problems"]
    assert json.loads(problem)["errors"][0]["message"] == "Это значение обязательно."


def test_descriptions_are_collected_for_translators() -> None:
    source = '''
ONE = "By a name."
class Thing(Schema):
    """A thing,
    in two lines."""
    a: Annotated[int, Field(description="Joined " "words.")]
    b: Annotated[int, Field(description=ONE)]
@router.get("/", operation_id="look", summary="Look")
def look():
    """What it does."""
def other():
    """Not told to anybody."""
    return _("As ever.")
'''
    found = [
        text
        for _line, _name, text, _notes in extract(BytesIO(source.encode()), {"_": None}, (), {})
    ]
    assert sorted(found) == [
        "A thing, in two lines.", "As ever.", "By a name.", "Joined words.", "Look",
        "What it does.",
    ]  # fmt: skip

"""Collecting what the OpenAPI document says, for translators: the page of the programs' door shows
it in the reader's language. Named by babel.cfg."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from inspect import cleandoc
from typing import IO, Any, cast

from babel.messages.extract import extract_python

Found = tuple[int, Any, Any, Any]
KEYWORDS = {"summary", "description"}


def extract(
    file: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[Found]:
    """What Babel finds in Python, and the summaries and descriptions of operations and fields."""
    yield from extract_python(file, keywords, comment_tags, cast(Any, options))
    file.seek(0)
    tree = ast.parse(file.read())
    constants = _constants(tree)
    for node in ast.walk(tree):
        for text in _texts(node, constants):
            yield getattr(node, "lineno", 1), None, text, []


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def _texts(node: ast.AST, constants: Mapping[str, str]) -> Iterator[str]:
    match node:
        case ast.keyword(arg=name, value=ast.Constant(value=str(text))) if name in KEYWORDS:
            yield text
        case ast.keyword(arg=name, value=ast.Name(id=constant)) if name in KEYWORDS:
            yield constants[constant]
        case ast.ClassDef() | ast.FunctionDef() if _is_told(node):
            yield one_line(ast.get_docstring(node) or "")


def _is_told(node: ast.ClassDef | ast.FunctionDef) -> bool:
    """A schema, or the function of an operation."""
    if not ast.get_docstring(node):
        return False
    if isinstance(node, ast.ClassDef):
        return True
    return any(
        isinstance(one, ast.Call) and any(more.arg == "operation_id" for more in one.keywords)
        for one in node.decorator_list
    )


def one_line(text: str) -> str:
    """A description as it is translated: without the breaks of its lines."""
    return " ".join(cleandoc(text).split())

"""Whatever the document allows, and much that it does not, sent to every operation: no answer 500,
none that the document does not tell of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests import make
from tests.api.program import Program, integration
from zabota.api.urls import document
from zabota.staff.models import Scope
from zabota.tickets.models import Attachment

EXAMPLES = 40
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    ignored_auth,
]


schema = schemathesis.openapi.from_dict(document())
schema.app = get_wsgi_application()
FOUND: Iterable[Any] = schema.get_all_operations()
OPERATIONS = {one.ok().label: one.ok() for one in FOUND}


@pytest.fixture(autouse=True)
def same_connection(settings: Any) -> Iterator[None]:
    """As Django's own test client does it: the connection holds the test's transaction."""
    settings.API_PER_MINUTE = 10**9
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_document_tells_the_truth(name: str, mode: GenerationMode) -> None:
    message = make.incoming(files=(make.file("счёт.txt"),), to=make.inbox())
    program = Program(integration(), list(Scope))
    numbers = {"number": message.ticket_id, "file": Attachment.objects.get().pk}
    headers = {"Authorization": program.headers["Authorization"]}

    @given(case=OPERATIONS[name].as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        # Half of the numbers are of something that exists: the way behind 404 is tried too.
        for part, given_number in (case.path_parameters or {}).items():
            if isinstance(given_number, int) and given_number % 2 == 0:
                case.path_parameters[part] = numbers[part]
        case.call_and_validate(headers=headers, checks=CHECKS)

    send()

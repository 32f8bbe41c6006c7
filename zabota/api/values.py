"""Values that programs send: cleaned, bounded, told apart from what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from zabota.api.door import MOST
from zabota.lib.text import clean, one_line

MOST_TEXT = 100_000
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _address(text: str) -> str:
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise PydanticCustomError("address", "no mail address") from None
    return address


def _moment(at: datetime) -> datetime:
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("moment", "out of range") from None
    if not FIRST <= at < LAST:
        raise PydanticCustomError("moment", "out of range")
    return at


def _cleaned(value: object) -> object:
    return clean(value).strip() if isinstance(value, str) else value


def _lined(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


Id = Annotated[int, Field(ge=1, le=MOST, strict=True)]
# In an address everything is text.
QueryId = Annotated[int, Field(ge=1, le=MOST)]
Text = Annotated[
    str, BeforeValidator(_cleaned), StringConstraints(min_length=1, max_length=MOST_TEXT)
]
Line = Annotated[str, BeforeValidator(_lined), StringConstraints(min_length=1, max_length=300)]
Name = Annotated[str, BeforeValidator(_lined), StringConstraints(max_length=200)]
Tag = Annotated[str, BeforeValidator(_lined), StringConstraints(min_length=1, max_length=50)]
Address = Annotated[str, StringConstraints(max_length=254), AfterValidator(_address)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]

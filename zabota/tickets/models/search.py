from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from zabota.tickets.models.ticket import Ticket


class SearchText(models.Model):
    """The words of a ticket: subject, people, messages. Apart from the ticket's row, which changes
    too often for an index of words."""

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, related_name="search_text"
    )
    words = SearchVectorField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(fields=["words"], name="search_text_words")
        ]

    def __str__(self) -> str:
        return f"words of #{self.ticket_id}"

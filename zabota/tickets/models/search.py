from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Left, Length

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


class Vocabulary(models.Model):
    """A word as messages write it, and how many do."""

    word = models.CharField(max_length=24, primary_key=True)
    messages = models.PositiveIntegerField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(Left("word", 1), Length("word"), name="vocabulary_by_start")
        ]

    def __str__(self) -> str:
        return self.word


class VocabularyState(models.Model):
    """Up to which message the words are known; one row."""

    up_to = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"up to {self.up_to}"

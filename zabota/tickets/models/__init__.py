from zabota.tickets.models.message import Attachment, AttachmentState, Direction, Message, Purpose
from zabota.tickets.models.search import SearchText, Vocabulary, VocabularyState
from zabota.tickets.models.ticket import (
    CloseReason,
    Participant,
    Status,
    Ticket,
    TicketType,
    Urgency,
)
from zabota.tickets.models.tracking import TrackingLink

__all__ = [
    "Attachment",
    "AttachmentState",
    "CloseReason",
    "Direction",
    "Message",
    "Participant",
    "Purpose",
    "SearchText",
    "Status",
    "Ticket",
    "TicketType",
    "TrackingLink",
    "Urgency",
    "Vocabulary",
    "VocabularyState",
]

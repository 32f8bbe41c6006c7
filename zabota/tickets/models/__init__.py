from zabota.tickets.models.held import Draft, HeldReply
from zabota.tickets.models.mark import ReadMark
from zabota.tickets.models.message import Attachment, AttachmentState, Direction, Message, Purpose
from zabota.tickets.models.rating import BEST, Outcome, Rating
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
    "BEST",
    "Attachment",
    "AttachmentState",
    "CloseReason",
    "Direction",
    "Draft",
    "HeldReply",
    "Message",
    "Outcome",
    "Participant",
    "Purpose",
    "Rating",
    "ReadMark",
    "SearchText",
    "Status",
    "Ticket",
    "TicketType",
    "TrackingLink",
    "Urgency",
    "Vocabulary",
    "VocabularyState",
]

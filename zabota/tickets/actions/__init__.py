"""Everything that may be done to a ticket: lock, guard, change, record, return."""

from zabota.tickets.actions.answer import MAX_REPLY, reply, send_automatic
from zabota.tickets.actions.change import (
    rename,
    set_status,
    set_tags,
    set_topic,
    set_type,
    set_urgency,
)
from zabota.tickets.actions.due import set_due
from zabota.tickets.actions.holding import hold_reply, take_back
from zabota.tickets.actions.internal import add_note, log_call
from zabota.tickets.actions.opening import open_ticket
from zabota.tickets.actions.owning import assign, take
from zabota.tickets.actions.quarantine import discard, make_ticket, retry_parse
from zabota.tickets.actions.queueing import move_to_queue, undo_move
from zabota.tickets.actions.rating import end_recovery, may_be_rated, open_recovery, rate
from zabota.tickets.actions.revoking import revoke_link, revoke_links_of_manager
from zabota.tickets.actions.solving import (
    close_silently,
    confirm_solution,
    is_confirmed,
    reopen,
    solve,
)

__all__ = [
    "MAX_REPLY",
    "add_note",
    "assign",
    "close_silently",
    "confirm_solution",
    "discard",
    "end_recovery",
    "hold_reply",
    "is_confirmed",
    "log_call",
    "make_ticket",
    "may_be_rated",
    "move_to_queue",
    "open_recovery",
    "open_ticket",
    "rate",
    "rename",
    "reopen",
    "reply",
    "retry_parse",
    "revoke_link",
    "revoke_links_of_manager",
    "send_automatic",
    "set_due",
    "set_status",
    "set_tags",
    "set_topic",
    "set_type",
    "set_urgency",
    "solve",
    "take",
    "take_back",
    "undo_move",
]

"""Mail: IMAP in, SMTP out."""

from __future__ import annotations

from zabota.channels import blobs
from zabota.channels.contract import (
    Envelope,
    InboxSettings,
    Kind,
    Mailbox,
    ParsedMessage,
    PermanentError,
    Receipt,
)
from zabota.channels.kinds.mail import mime
from zabota.channels.kinds.mail import send as smtp
from zabota.channels.kinds.mail.compose import compose
from zabota.channels.kinds.mail.fetch import ImapMailbox
from zabota.lib import clock


class MailKind:
    """The mail channel; implements `contract.Kind`."""

    name = "mail"

    def parse(self, raw: bytes) -> ParsedMessage:
        """Understand one mail; raises ParseError only when nothing can be read."""
        return mime.parse(raw)

    def send(self, inbox: InboxSettings, envelope: Envelope) -> Receipt:
        """Hand over one mail; raises TemporaryError, UncertainError or PermanentError."""
        return smtp.send(inbox, envelope, _composed(envelope))

    def open(self, inbox: InboxSettings) -> Mailbox:
        """Connect to the IMAP server; raises TemporaryError or PermanentError."""
        return ImapMailbox(inbox)

    def keep_copy(self, inbox: InboxSettings, envelope: Envelope) -> None:
        """Put the sent mail into the Sent folder; PermanentError when there is none."""
        mailbox = ImapMailbox(inbox)
        try:
            folder = mailbox.sent_folder()
            if not folder:
                raise PermanentError("The mailbox has no folder for sent mail.")
            mailbox.append(folder, _composed(envelope), envelope.date or clock.now())
        finally:
            mailbox.close()


def _composed(envelope: Envelope) -> bytes:
    try:
        return compose(envelope, blobs.get)
    except FileNotFoundError as error:
        raise PermanentError("An attached file is gone from the store.") from error


KIND: Kind = MailKind()

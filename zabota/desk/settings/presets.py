"""Servers of well-known mail providers, so that nobody has to look them up."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Preset:
    """Hosts and ports of a provider; `advice` says what else is needed there."""

    title: str | Promise
    imap_host: str
    smtp_host: str
    smtp_port: int
    smtp_tls: str
    sent_copy: bool
    advice: str | Promise

    def values(self, address: str) -> dict[str, str]:
        """The form fields it fills, as a browser would send them."""
        given = {
            "imap_host": self.imap_host,
            "imap_port": "993",
            "imap_tls": "tls",
            "imap_user": address,
            "smtp_host": self.smtp_host,
            "smtp_port": str(self.smtp_port),
            "smtp_tls": self.smtp_tls,
            "smtp_user": address,
        }
        return given | ({"sent_copy": "on"} if self.sent_copy else {})


PRESETS = {
    "gmail": Preset(
        "Gmail", "imap.gmail.com", "smtp.gmail.com", 465, "tls", False,
        _("Gmail wants sign-in through Google, or an app password: Google account, Security, "
          "2-Step Verification."),
    ),
    "yandex": Preset(
        _("Yandex"), "imap.yandex.ru", "smtp.yandex.ru", 465, "tls", True,
        _("Yandex wants an app password, and IMAP allowed in the settings of the mailbox."),
    ),
    "mailru": Preset(
        "Mail.ru", "imap.mail.ru", "smtp.mail.ru", 465, "tls", True,
        _("Mail.ru wants a password for external applications, made in its security settings."),
    ),
    "outlook": Preset(
        "Outlook, Microsoft 365", "outlook.office365.com", "smtp.office365.com", 587, "starttls",
        False,
        _("Microsoft wants sign-in through Microsoft: it lets no program in by password."),
    ),
}  # fmt: skip

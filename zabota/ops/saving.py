"""The commands `backup`, `restore`, `verify-backup` and `resume`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from zabota.ops.command import Failed, database, rooms
from zabota.ops.words import gettext as _
from zabota.ops.words import say


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add them to the command line."""
    save = add("backup", backup, _("write everything into one file, while the system works"))
    save.add_argument("--to", metavar=_("folder"), help=_("where; else the folder of backups"))
    save.add_argument("--without-key", action="store_true", help=_("leave the key file out"))
    back = add("restore", restore, _("put a backup in the place of the data here"))
    back.add_argument("file", metavar=_("file"))
    back.add_argument("--replace", action="store_true", help=_("even though there is data here"))
    check = add("verify-backup", verify_backup, _("restore a backup on trial and compare"))
    check.add_argument("file", metavar=_("file"))
    add("resume", resume, _("let a restored copy fetch and send again"))


def backup(given: argparse.Namespace) -> int:
    """One file with database, attachments and key."""
    with database(migrated=False):
        from django.conf import settings

        from zabota.ops.backup import KEY_FILE, make

        folder = Path(given.to) if given.to else settings.BACKUP_DIR
        path = make(folder, with_key=not given.without_key)
        print(path)
        key = Path(settings.DATA_DIR) / KEY_FILE
        if given.without_key or not key.exists():
            say(_("The key is not in it. Without it no mailbox password can be read: %(path)s")
                % {"path": key if key.exists() else "ZABOTA_SECRET_KEY"})  # fmt: skip
    return 0


def restore(given: argparse.Namespace) -> int:
    """A backup takes the place of the data here."""
    from django.conf import settings

    from zabota.ops.up import take_folder

    lock = take_folder()
    try:
        with database(migrated=False):
            from django.db import connections

            from zabota.ops.restore import restore as put_back

            connections.close_all()
            content = put_back(Path(given.file), replace=given.replace)
    finally:
        lock.release()
    say(_("Restored: the state of %(time)s.") % {"time": content.manifest.made_at})
    if not content.manifest.key_sha256:
        say(_("The backup has no key: put the original's into %(path)s before you start.")
            % {"path": Path(settings.DATA_DIR) / "keys" / "secret"})  # fmt: skip
    say(_("This copy neither fetches nor sends mail until an administrator says so on any page, "
          "or by: zabota resume"))  # fmt: skip
    return 0


def verify_backup(given: argparse.Namespace) -> int:
    """Restore a backup into a throw-away database and compare."""
    rooms()
    from zabota.ops.nightly import note_verified
    from zabota.ops.restore import verify

    content = verify(Path(given.file), say)
    # A machine that only looks at backups of another keeps no note.
    with suppress(OSError):
        note_verified(Path(given.file))
    rows = sum(count for count, _sum in content.manifest.tables.values())
    say(_("The backup of %(time)s is good. Tables: %(tables)d, rows: %(rows)d, files: %(files)d.")
        % {"time": content.manifest.made_at, "tables": len(content.manifest.tables),
           "rows": rows, "files": len(content.blobs)})  # fmt: skip
    return 0


def resume(given: argparse.Namespace) -> int:
    """The copy is the original now."""
    with database():
        from zabota.channels import standstill
        from zabota.events.actor import system

        if not standstill.is_on():
            raise Failed(_("This installation fetches and sends already."))
        waiting = standstill.end(by=system("resume"))
        say(_("Mail is fetched and sent again; letters that had waited: %(count)d.")
            % {"count": waiting})  # fmt: skip
    return 0

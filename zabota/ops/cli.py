"""The command `zabota`. Expected troubles end in one plain line and exit status 1."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from zabota.ops import saving
from zabota.ops.command import Failed, database, rooms
from zabota.ops.processes import give_way
from zabota.ops.words import gettext as _
from zabota.ops.words import language, lend, say

Command = Callable[[argparse.Namespace], int]


# Errors of parts that are loaded only when they are needed; their text is for a person.
PLAIN = {"CannotStart", "NotReady", "Refused", "BackupFailed", "RestoreFailed", "Damaged"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zabota.config.settings")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    lend()
    commands = parser()
    given, unknown = commands.parse_known_args(arguments)
    given.rest = unknown
    if unknown and given.run is not psql_shell:
        commands.error(_("unknown: %(words)s") % {"words": " ".join(unknown)})
    run: Command = given.run
    try:
        return run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        text = expected(error)
        if text is None:
            raise
        say(text)
        return 1


def expected(error: Exception) -> str | None:
    """The plain words of a trouble that can happen to anybody; None for a fault of ours."""
    import psycopg
    from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist, ValidationError
    from django.db import OperationalError

    from zabota.ops.lock import Busy
    from zabota.ops.postgres import PostgresError

    names = {type(error).__name__}
    if isinstance(error, Failed | PostgresError) or names & PLAIN:
        return str(error)
    if isinstance(error, Busy):
        return _("The data folder is in use by %(holder)s.") % {"holder": error}
    if isinstance(error, OperationalError | psycopg.OperationalError):
        return _("The database does not answer: %(why)s") % {"why": error}
    if isinstance(error, ValidationError):
        from django.utils import translation

        with translation.override(language()):
            return " ".join(error.messages)
    if isinstance(error, ObjectDoesNotExist):
        return _("There is nobody with this address.")
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    return None


def parser() -> argparse.ArgumentParser:
    """All commands. Those without help text are children of `zabota up`."""
    top = argparse.ArgumentParser(prog="zabota", description=_("Customer-care workplace."))
    commands = top.add_subparsers(required=True, metavar=_("command"))

    def add(name: str, run: Command, text: str | None = None) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text) if text else commands.add_parser(name)
        made.set_defaults(run=run)
        return made

    add("up", up, _("run everything: database, pages, jobs, mail"))
    add("web", child_web, _("run the pages alone, over a database of your own"))
    add("worker", child_worker, _("run the jobs alone, over a database of your own"))
    add("fetch", child_fetch, _("run the fetching of mail alone, over a database of your own"))
    add("migrate", migrate, _("bring the database and the static files to this version"))
    demo = add("demo", demo_data, _("load or remove demonstration data"))
    demo.add_argument("what", choices=("load", "remove"), metavar="load|remove")
    admin = add("admin", administrator, _("make an administrator, give a new link, reset 2FA"))
    _admin_options(admin)
    add("doctor", doctor, _("say in plain words what is wrong"))
    saving.add_commands(add)
    letters = add("mail", mail_explain, _("tell what is understood of a mail, as JSON"))
    letters.add_argument("what", choices=("explain",), metavar="explain")
    letters.add_argument("files", nargs="+", metavar=_("file"))
    pages = add("docs", docs, _("write the pages made from the code: settings, facts"))
    pages.add_argument("folder", nargs="?", default="docs", metavar=_("folder"))
    pages.add_argument("--check", action="store_true", help=_("only compare; status 1 when stale"))
    add("psql", psql_shell, _("open the database in psql (options are passed on)"))
    for name, run in CHILDREN.items():
        add(name, run)
    return top


def _admin_options(admin: argparse.ArgumentParser) -> None:
    kinds = admin.add_subparsers(required=True, dest="what", metavar=_("what"))
    create = kinds.add_parser("create", help=_("make an administrator and print his link"))
    create.add_argument("email", metavar=_("address"))
    create.add_argument("surname", metavar=_("surname"))
    create.add_argument("first_name", metavar=_("first name"))
    link = kinds.add_parser("link", help=_("print a new sign-in link (works once)"))
    link.add_argument("email", nargs="?", metavar=_("address"))
    reset = kinds.add_parser("reset-2fa", help=_("forget the second factor of a person"))
    reset.add_argument("email", metavar=_("address"))


def up(given: argparse.Namespace) -> int:
    """Run everything until it is stopped."""
    from zabota.ops.up import up as run

    return run()


def migrate(given: argparse.Namespace) -> int:
    """Bring the schema and the static files to this code's state."""
    with database():
        from zabota.ops.prepare import collect_static

        collect_static()
        say(_("The database is up to date."))
    return 0


def mail_explain(given: argparse.Namespace) -> int:
    """What is understood of mails in files; neither database nor settings are asked."""
    from zabota.channels.kinds.mail.explain import explain

    return explain(given.files)


def demo_data(given: argparse.Namespace) -> int:
    """Load or remove the demonstration data."""
    with database():
        from zabota.ops import demo

        if given.what == "remove":
            demo.remove()
        elif demo.is_loaded():
            say(_("The demonstration data is already there."))
            say(demo.way_in())
        else:
            demo.load()
    return 0


def administrator(given: argparse.Namespace) -> int:
    """Make an administrator, print a new link, reset a second factor."""
    with database():
        from zabota.staff import invitations

        if given.what == "create":
            if invitations.is_known(given.email):
                raise Failed(
                    _(
                        "%(address)s is an agent already. This prints a new sign-in link: "
                        "zabota admin link %(address)s"
                    )
                    % {"address": given.email}
                )
            print(invitations.create_admin(given.email, given.surname, given.first_name))
        elif given.what == "reset-2fa":
            invitations.reset_second_factor(given.email)
            say(_("The next sign-in asks for the password only."))
        elif given.email:
            print(invitations.new_link(given.email))
        else:
            link = invitations.first_admin_link()
            if link is None:
                raise Failed(_no_first_link())
            print(link)
    return 0


def _no_first_link() -> str:
    from zabota.staff.invitations import administrators

    return _("Name the person's address: zabota admin link ADDRESS. Administrators: %(who)s") % {
        "who": ", ".join(administrators())
    }


def doctor(given: argparse.Namespace) -> int:
    """Report what is wrong; exit status 1 when anything is."""
    with database(migrated=False):
        from zabota.ops.doctor import report

        return report(print)


def docs(given: argparse.Namespace) -> int:
    """Write the pages that are made from the code, or compare them."""
    rooms()
    from zabota.ops import events_page, settings_page

    folder = Path(given.folder)
    pages = {"settings.md": settings_page.page(), "events.md": events_page.page()}
    for name, text in pages.items():
        path = folder / name
        if given.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                raise Failed(_("%(file)s is stale; run: zabota docs") % {"file": path})
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 0


def psql_shell(given: argparse.Namespace) -> int:
    """Open psql over the database in use."""
    import subprocess

    with database(migrated=False):
        from zabota.ops.backup import invocation

        with invocation("psql") as (command, env):
            return subprocess.run([*command, *given.rest], check=False, env=env).returncode


def child_web(given: argparse.Namespace) -> int:
    """The web server."""
    _has_database()
    from zabota.ops.web import run

    run()
    return 0


def child_worker(given: argparse.Namespace) -> int:
    """The job worker."""
    _child()
    from zabota.events import worker

    give_way()
    worker.run()
    return 0


def child_fetch(given: argparse.Namespace) -> int:
    """The fetcher of all inboxes."""
    from django.conf import settings

    # Each reader keeps a connection with the lock of its inbox: a pool would end with the twelfth.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    _child()
    from zabota.channels import fetcher

    give_way()
    fetcher.run()
    return 0


def child_demo_mail(given: argparse.Namespace) -> int:
    """The demonstration's mail server."""
    _child()
    from zabota.ops.demo import mailserver

    mailserver.run()
    return 0


def child_prepare(given: argparse.Namespace) -> int:
    """What `zabota up` does before its children start."""
    rooms()
    from zabota.ops.prepare import run

    run()
    return 0


def child_say_bye(given: argparse.Namespace) -> int:
    """Tell all live streams to end. One statement needs neither the rooms nor a pool: everybody
    waits for it."""
    from django.conf import settings

    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    from zabota.events import live

    live.say_bye()
    return 0


def child_nightly_backup(given: argparse.Namespace) -> int:
    """Today's backup."""
    rooms()
    from zabota.ops.nightly import run

    return run()


CHILDREN: dict[str, Command] = {
    "demo-mail": child_demo_mail,
    "prepare": child_prepare,
    "say-bye": child_say_bye,
    "nightly-backup": child_nightly_backup,
}


def _has_database() -> None:
    """The embedded database runs under `zabota up` only, whose lock says so."""
    from django.conf import settings

    from zabota.ops.lock import Busy, FolderLock

    if settings.DATABASE_URL:
        return
    lock = FolderLock(settings.DATA_DIR / "zabota.lock", "zabota")
    try:
        lock.take()
    except (Busy, OSError):
        return
    lock.release()
    raise Failed(
        _(
            "A single process needs a database of your own: set DATABASE_URL. The embedded one "
            "runs under: zabota up"
        )
    )


def _child() -> None:
    """Set up a child process: its log as JSON lines, then all rooms."""
    _has_database()
    from django.conf import settings

    from zabota.lib import log

    log.configure(settings.LOG_LEVEL)
    rooms()


if __name__ == "__main__":
    sys.exit(main())

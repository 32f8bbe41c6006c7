"""Departments, queues, topics, inboxes, agents, accounts and contacts of the demonstration."""

from __future__ import annotations

import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.utils import translation

from zabota.calendars.actions import default_calendar, save_calendar
from zabota.calendars.models import Calendar, QueueCalendar
from zabota.channels.models import Inbox
from zabota.customers.models import Account, AccountDomain, Contact, Identity
from zabota.events.actor import system
from zabota.ops import words
from zabota.ops.demo import cast, quoting, slots
from zabota.ops.demo.places import Places
from zabota.ops.demo.post import Client
from zabota.sla.models import Target
from zabota.staff.asking import preset
from zabota.staff.models import Agent, Department, Grant, Queue, Topic

CONTACTS = 300
LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass
class World:
    """Everything tickets refer to, by the keys of `cast`."""

    queues: dict[str, Queue] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    clients: dict[str, list[Client]] = field(default_factory=dict)
    calendars: list[Calendar] = field(default_factory=list)
    departments: list[Department] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    passwords: list[tuple[str, str, str]] = field(default_factory=list)


READ = timedelta(hours=4)  # since then nobody has read anything


def build(rng: random.Random, now: datetime, places: Places) -> World:
    """Insert the company and its clients, in the caller's transaction."""
    world = World()
    began = now - timedelta(days=95)
    _structure(world)
    _deadlines(world)
    _inboxes(world, began, places)
    _agents(world, began, now - READ)
    for language in ("ru", "en"):
        world.clients[language] = _clients(world, rng, language, began)
    return world


def _structure(world: World) -> None:
    departments = {
        key: Department.objects.create(name_ru=ru, name_en=en)
        for key, (ru, en) in cast.DEPARTMENTS.items()
    }
    world.departments = list(departments.values())
    for key, (department, line, ru, en) in cast.QUEUES.items():
        world.queues[key] = Queue.objects.create(
            department=departments[department], line=line, name_ru=ru, name_en=en
        )
    for key, (queue, ru, en) in cast.TOPICS.items():
        world.topics[key] = Topic.objects.create(
            queue=world.queues[queue],
            name_ru=ru,
            name_en=en,
            is_public=key not in cast.HIDDEN_TOPICS,
            parent=world.topics.get(cast.PART_OF.get(key, "")),
            fields=preset(cast.ASKED.get(key, "")),
        )


def _deadlines(world: World) -> None:
    """Calendars besides the default one, which queues work by them, and their targets."""
    by = system("demo")
    default_calendar(by=by)
    for (ru, en), (week, queues) in cast.CALENDARS.items():
        calendar = Calendar(name_ru=ru, name_en=en, week=week, country="RU")
        save_calendar(calendar, [], by=by)
        world.calendars.append(calendar)
        for key in queues:
            QueueCalendar.objects.create(queue=world.queues[key], calendar=calendar)
    for key, minutes in cast.TARGETS.items():
        Target.objects.create(queue=world.queues[key], minutes=minutes)


def _inboxes(world: World, began: datetime, places: Places) -> None:
    for key, (queue, name, language) in cast.INBOXES.items():
        inbox = Inbox(
            name=name,
            address=f"{key}@{cast.DOMAIN}",
            sender_name=cast.COMPANY[language],
            queue=world.queues[queue],
            language=language,
            config=places.inbox_config(f"{key}@{cast.DOMAIN}"),
            created_at=began,
        )
        inbox.set_secret(secrets.token_urlsafe(18))
        inbox.save()
        world.inboxes[key] = inbox


def _agents(world: World, began: datetime, read: datetime) -> None:
    passwords = ["".join(secrets.choice(LETTERS) for _ in range(14)) for _ in cast.AGENTS]
    with ThreadPoolExecutor(2) as threads:
        hashes = list(threads.map(make_password, passwords))
    for role, password, hashed in zip(cast.AGENTS, passwords, hashes, strict=True):
        agent = Agent(
            email=f"{role.login}@{cast.DOMAIN}",
            surname=role.person.surname,
            first_name=role.person.first,
            role=role.role,
            position=role.position,
            language=role.language,
            password=hashed,
            mail_notices=False,
            created_at=began,
            read_from=read,
        )
        agent.full_clean(exclude=["password"])
        agent.save()
        Grant.objects.bulk_create(
            Grant(agent=agent, queue=world.queues[key], level=level)
            for key, level in role.grants.items()
        )
        world.agents[role.login] = agent
        # In the language of the terminal, like the rest of the table.
        with translation.override(words.language()):
            world.passwords.append((agent.email, str(agent.get_role_display()), password))


def _clients(world: World, rng: random.Random, language: str, began: datetime) -> list[Client]:
    share = int(CONTACTS * (0.62 if language == "ru" else 0.38))
    found = []
    taken: set[str] = set()
    companies = cast.companies(language)
    accounts = []
    for name, domain in companies:
        account = Account.objects.create(name=name, language=language, created_at=began)
        AccountDomain.objects.create(account=account, domain=domain, confirmed_at=began)
        accounts.append((account, domain))
    world.accounts += [account for account, _ in accounts]
    for number in range(share):
        private = rng.random() < 0.2 and number >= len(accounts)
        account, domain = accounts[number % len(accounts)]
        found.append(_client(rng, language, None if private else account, domain, taken, began))
    _store(found)
    return found


def _client(
    rng: random.Random,
    language: str,
    account: Account | None,
    domain: str,
    taken: set[str],
    began: datetime,
) -> Client:
    person = _person(rng, language)
    while person.full in taken:
        person = _person(rng, language)
    taken.add(person.full)
    login = f"{slots.latin(person.first)[0]}.{slots.latin(person.surname)}".replace("'", "")
    mail_domain = domain if account else rng.choice(cast.PRIVATE[language])
    if not account:
        kind = rng.choice(("foto", "shop", "blog", "studio"))
        domain = f"{slots.latin(person.surname)}-{kind}.example".replace("'", "")
    address = f"{login}@{mail_domain}"
    while address in taken:
        address = f"{login}{rng.randint(2, 99)}@{mail_domain}"
    taken.add(address)
    zone = "Europe/Moscow" if language == "ru" else rng.choice(("Europe/Berlin", "Europe/London"))
    contact = Contact(
        name=person.full,
        account=account,
        language=language,
        time_zone=zone,
        time_zone_guessed=True,
        created_at=began,
    )
    return Client(
        contact=contact,
        first=person.first,
        female=person.female,
        address=address,
        domain=domain,
        language=language,
        form=rng.choice(quoting.FORMS),
        company=account.name if account else "",
    )


def _person(rng: random.Random, language: str) -> cast.Person:
    female = rng.random() < 0.5
    if language == "en":
        first = rng.choice(cast.EN_WOMEN if female else cast.EN_MEN)
        return cast.Person(first, rng.choice(cast.EN_SURNAMES), female)
    first = rng.choice(cast.RU_WOMEN if female else cast.RU_MEN)
    return cast.Person(first, cast.surname(rng.choice(cast.RU_SURNAMES), female), female)


def _store(clients: list[Client]) -> None:
    Contact.objects.bulk_create([client.contact for client in clients])
    Identity.objects.bulk_create(
        Identity(contact=client.contact, value=client.address, created_at=client.contact.created_at)
        for client in clients
    )

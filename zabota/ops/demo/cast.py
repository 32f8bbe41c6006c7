# ruff: noqa: E501 (texts and lists of names)
"""Who plays in the demonstration: the company, its people, its clients. Every domain is reserved
for examples (RFC 2606), every network for documentation (RFC 5737)."""

from __future__ import annotations

import re
from dataclasses import dataclass

DOMAIN = "nordhost.example"
COMPANY = {"ru": "Северный хостинг", "en": "Nordhost"}


@dataclass(frozen=True)
class Person:
    """A name in parts; `female` decides Russian word forms."""

    first: str
    surname: str
    female: bool = False

    @property
    def full(self) -> str:
        """First name and surname."""
        return f"{self.first} {self.surname}"


@dataclass(frozen=True)
class Role:
    """One agent: `grants` are queue keys with levels."""

    login: str
    person: Person
    role: str
    position: str
    language: str
    grants: dict[str, int]


DEPARTMENTS = {
    "support": ("Поддержка", "Support"),
    "engineering": ("Инженеры", "Engineering"),
    "billing": ("Расчёты", "Billing"),
}
QUEUES = {
    "support1": ("support", 1, "Первая линия", "First line"),
    "market": ("support", 1, "Маркетплейс", "Marketplace"),
    "support2": ("support", 2, "Вторая линия", "Second line"),
    "engineering1": ("engineering", 1, "Дежурные инженеры", "Engineers on duty"),
    "engineering2": ("engineering", 2, "Инфраструктура", "Infrastructure"),
    "billing1": ("billing", 1, "Счета и оплата", "Invoices and payments"),
    "billing2": ("billing", 2, "Возвраты и договоры", "Refunds and contracts"),
}
# A topic stands behind the one it is part of.
TOPICS = {
    "hosting": ("support1", "Сайты и хостинг", "Sites and hosting"),
    "dns": ("support1", "Домены и DNS", "Domains and DNS"),
    "mail": ("support1", "Почта", "Mail"),
    "ssl": ("support1", "Сертификаты", "Certificates"),
    "other": ("support1", "Другое", "Something else"),
    "migration": ("support2", "Перенос сайта", "Moving a site"),
    "orders": ("market", "Заказ и доставка", "Orders and delivery"),
    "returns": ("market", "Возврат товара", "Returns"),
    "sellers": ("market", "Для продавцов", "For sellers"),
    "servers": ("engineering1", "Серверы", "Servers"),
    "api": ("engineering1", "API и интеграции", "API and integrations"),
    "payments": ("billing1", "Оплата", "Payments"),
    "documents": ("billing1", "Документы", "Documents"),
    "plans": ("billing1", "Тарифы", "Plans"),
}
# What the request form shows of them, and with which preset of questions.
HIDDEN_TOPICS = frozenset({"plans", "documents"})
PART_OF = {"dns": "hosting", "mail": "hosting", "ssl": "hosting", "migration": "hosting"}
ASKED = {"payments": "payment", "sellers": "access"}
# Working hours in minutes after midnight, seven days; the other queues have the office week.
CALENDARS: dict[tuple[str, str], tuple[list[list[list[int]]], tuple[str, ...]]] = {
    ("Дежурство круглосуточно", "Around the clock"): ([[[0, 1440]]] * 7, ("engineering1",)),
    ("Магазин без выходных", "Shop, every day"): ([[[540, 1260]]] * 7, ("market",)),
}
# The first answer within so many working minutes.
TARGETS = {"engineering1": 60, "market": 180, "support1": 120, "billing1": 240, "billing2": 480}
INBOXES = {
    "support": ("support1", "Поддержка", "ru"),
    "market": ("market", "Маркетплейс", "ru"),
    "noc": ("engineering1", "Дежурные инженеры", "en"),
    "billing": ("billing1", "Расчёты", "ru"),
}
INBOX_OF = {"support1": "support", "support2": "support", "market": "market",
            "engineering1": "noc", "engineering2": "noc",
            "billing1": "billing", "billing2": "billing"}  # fmt: skip

SEE, REPLY, REASSIGN, CLOSE, MANAGE = 10, 20, 30, 40, 50
_ALL = dict.fromkeys(QUEUES, SEE)
_SUPPORT = {"support1": CLOSE, "market": CLOSE, "support2": REPLY}
AGENTS = [
    Role("o.kuznetsova", Person("Ольга", "Кузнецова", True), "lead", "Руководитель поддержки", "ru",
         _ALL | {"support1": MANAGE, "market": MANAGE, "support2": MANAGE}),
    Role("a.vorontsov", Person("Алексей", "Воронцов"), "line1", "Специалист поддержки", "ru",
         _SUPPORT | {"engineering1": REASSIGN}),
    Role("a.melnikov", Person("Алексей", "Мельников"), "line2", "Старший специалист", "ru",
         {"support1": CLOSE, "support2": CLOSE, "engineering1": REPLY}),
    Role("a.tikhonov", Person("Алексей", "Тихонов"), "line2", "Инженер", "ru",
         {"engineering1": CLOSE, "engineering2": CLOSE}),
    Role("a.shapovalov", Person("Алексей", "Шаповалов"), "line1", "Специалист по расчётам", "ru",
         {"billing1": CLOSE, "billing2": CLOSE}),
    Role("m.sokolova", Person("Мария", "Соколова", True), "line1", "Специалист поддержки", "ru",
         _SUPPORT),
    Role("a.safina", Person("Айгуль", "Сафина", True), "line1", "Забота о продавцах", "ru",
         {"market": CLOSE, "support1": REPLY, "billing1": SEE}),
    Role("j.oconnor", Person("James", "O'Connor"), "line1", "Support specialist", "en",
         _SUPPORT | {"engineering1": REPLY, "billing1": REPLY}),
    Role("e.lindqvist", Person("Emma", "Lindqvist", True), "line2", "Site reliability engineer", "en",
         {"engineering1": CLOSE, "engineering2": CLOSE, "support2": REPLY}),
    Role("e.zhukova", Person("Екатерина", "Жукова", True), "lead", "Руководитель расчётов", "ru",
         {"billing1": MANAGE, "billing2": MANAGE, "support1": SEE}),
    Role("d.yolkin", Person("Дмитрий", "Ёлкин"), "reviewer", "Качество обслуживания", "ru", _ALL),
    Role("m.nowak", Person("Marek", "Nowak"), "light", "Refunds", "en", {"billing2": REPLY}),
]  # fmt: skip
# Who works which queue, by language of the client.
CREW: dict[str, dict[str, tuple[str, ...]]] = {
    "support1": {"ru": ("a.vorontsov", "m.sokolova", "a.melnikov", "o.kuznetsova"), "en": ("j.oconnor",)},
    "market": {"ru": ("a.safina", "m.sokolova", "a.vorontsov"), "en": ("j.oconnor",)},
    "support2": {"ru": ("a.melnikov", "o.kuznetsova"), "en": ("e.lindqvist",)},
    "engineering1": {"ru": ("a.tikhonov", "a.melnikov"), "en": ("e.lindqvist",)},
    "engineering2": {"ru": ("a.tikhonov",), "en": ("e.lindqvist",)},
    "billing1": {"ru": ("a.shapovalov", "e.zhukova"), "en": ("j.oconnor",)},
    "billing2": {"ru": ("a.shapovalov", "e.zhukova"), "en": ("m.nowak",)},
}  # fmt: skip

RU_MEN = "Андрей Антон Артём Борис Вадим Виктор Глеб Денис Егор Иван Илья Кирилл Максим Никита Олег Павел Роман Сергей Тимур Фёдор".split()
RU_WOMEN = "Алла Анна Варвара Вера Галина Дарья Елена Жанна Зоя Инна Ирина Кира Лариса Любовь Марина Наталья Нина Полина Светлана Юлия".split()
RU_SURNAMES = (
    "Абрамов Беляев Борисов Васильев Власов Гаврилов Герасимов Горбунов Денисов Егоров Ершов Зайцев Зимин "
    "Исаев Карпов Киселёв Князев Крылов Лаптев Макаров Медведев Назаров Никитин Орлов Панов Поляков Рябов "
    "Савин Селезнёв Титов Филатов Фомин Цветков Чернов Широков Щукин Юдин Яшин"
).split()
EN_MEN = "Adam Ben Carlos Daniel Erik Felix George Henrik Ivo Jonas Kai Liam Mateo Noah Oscar Peter Rafael Simon Tom Viktor".split()
EN_WOMEN = "Alice Bianca Clara Diana Elena Freya Greta Hannah Ingrid Julia Katja Laura Mia Nora Olivia Paula Rosa Sofia Tessa Vera".split()
EN_SURNAMES = (
    "Andersen Bakker Brandt Bianchi Carter Costa Dubois Eriksen Fischer Garcia Haas Ivanova Jansen Keller Larsen "
    "Moreau Novak Olsen Petersen Quinn Rossi Schmidt Taylor Urban Vega Weber Young Zimmer"
).split()
# Account names: a mail domain and the language they write in.
RU_COMPANIES = (
    "ООО «Лесной двор»:lesdvor ООО «Тёплый дом»:teplydom ООО «Вектор-Снаб»:vektorsnab ИП Громова:gromova-shop "
    "АО «Балтика-Логистик»:baltlog ООО «Чайная карта»:teamap ООО «МедКомплект»:medkomplekt ООО «СтройРитм»:stroyritm "
    "ООО «Книжный шкаф»:bookshelf ООО «Агро-Юг»:agroyug ООО «Пекарня Колос»:kolos ЗАО «Точприбор»:tochpribor "
    "ООО «Детский мир игр»:igromir ООО «Веломастер»:velomaster ООО «Фарфор и Ко»:farfor ООО «Уралтехсвет»:uralsvet "
    "ООО «Ателье Нить»:nit-atelier ООО «Зоотека»:zooteka ООО «Автодеталь-52»:avto52 ООО «Цветочный ряд»:flowerrow "
    "ООО «Сибирский мёд»:sibmed ООО «Клиника Здрава»:zdrava ООО «Турклуб Азимут»:azimut ООО «Мебель-Град»:mebelgrad "
    "ООО «Рыбный причал»:prichal ООО «Оптика Взгляд»:vzglyad ООО «Скрепка»:skrepka ООО «Школа Интеграл»:integral "
    "ООО «Печатный двор»:pechat ООО «Северный ветер»:sevveter ООО «Ключ-Сервис»:kluch ООО «Карамель»:karamel "
    "ООО «Термопласт»:termoplast ООО «Альпклуб»:alpclub ООО «Водолей»:vodoley ООО «Гранит-Строй»:granit"
)  # fmt: skip
EN_COMPANIES = (
    "Harbour Bikes Ltd:harbourbikes Maple Books:maplebooks Fjord Outdoor AS:fjordoutdoor Blue Door Hotels:bluedoor "
    "Alpenglow Foods GmbH:alpenglow Tandem Labs:tandemlabs Copper Kettle Co:copperkettle Riverside Clinic:riversideclinic "
    "Lumen Optics BV:lumenoptics Northwind Parts:northwindparts Casa Verde SL:casaverde Paper Moon Press:papermoon "
    "Granite Tools Oy:granitetools Olive and Salt:oliveandsalt Kestrel Travel:kestreltravel Bright Pixel:brightpixel "
    "Studio Halden:halden Cedar Toys:cedartoys Atlas Freight:atlasfreight Velvet Coffee:velvetcoffee "
    "Meridian School:meridianschool Silverline Dental:silverline Quarry Games:quarrygames Sunfold Solar:sunfold"
)  # fmt: skip
PRIVATE = {"ru": ("pochta.example", "mailbox.example"), "en": ("post.example", "mailbox.example")}
PRODUCTS = {
    "ru": ("кофемолка «Ветер»", "набор чашек «Иней»", "рюкзак «Перевал»", "лампа «Маяк»", "плед «Север»",
           "термос «Полюс»", "чайник «Родник»", "настольная игра «Порт»", "часы «Меридиан»", "коврик «Мох»"),
    "en": ("a “Breeze” coffee grinder", "a set of “Frost” cups", "a “Pass” backpack", "a “Beacon” lamp",
           "a “North” blanket", "a “Pole” flask", "a “Spring” kettle", "the board game “Harbour”"),
}  # fmt: skip
CITIES = {
    "ru": "Казань Пермь Тула Самара Тверь Омск Вологда Псков Калуга Рязань".split(),
    "en": "Riga Bergen Tampere Gdansk Turin Leeds Porto Bremen Ghent Graz".split(),
}
PLANS = {
    "ru": ("Старт", "Дело", "Дело Плюс", "Магазин", "Облако-2"),
    "en": ("Start", "Business", "Shop", "Cloud 2"),
}
MONTHS = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split(),
    "en": "January February March April May June July August September October November December".split(),
}


def companies(language: str) -> list[tuple[str, str]]:
    """(name, mail domain) of all accounts of a language."""
    found = re.findall(r"(.+?):([\w-]+)(?: |$)", RU_COMPANIES if language == "ru" else EN_COMPANIES)
    return [(name.strip(), f"{domain}.example") for name, domain in found]


def surname(word: str, female: bool) -> str:
    """A Russian surname in the form of the person's sex (all of ours end in -ов, -ев, -ин, -ын)."""
    return f"{word}а" if female else word

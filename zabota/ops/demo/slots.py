"""The words that fill a story: domains, servers, numbers, dates."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from zabota.ops.demo import cast


def latin(word: str) -> str:
    """A Russian word in Latin letters, for addresses."""
    table = dict(
        zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch  y  e yu ya".split(" "),
            strict=True)
    )  # fmt: skip
    return "".join(table.get(letter, letter) for letter in word.lower())


def many(rng: random.Random, low: int, high: int) -> str:
    """A number with which a Russian noun stands in the genitive plural."""
    while True:
        number = rng.randint(low, high)
        if number % 10 in {0, 5, 6, 7, 8, 9} or 11 <= number % 100 <= 14:
            return str(number)


def day(moment: datetime, language: str) -> str:
    """«14 ноября», “14 November”."""
    return f"{moment.day} {cast.MONTHS[language][moment.month - 1]}"


class Slots(dict[str, str]):
    """What one ticket's texts are filled with; names not fixed get a new value each time."""

    def __init__(self, rng: random.Random, language: str, domain: str, at: datetime) -> None:
        super().__init__()
        self.rng = rng
        self.language = language
        # The local moment of the message being written; the teller moves it on.
        self.at = at
        net = rng.choice(("192.0.2", "198.51.100", "203.0.113"))
        money = rng.randint(190, 48000)
        ru = language == "ru"
        self.update(
            domain=domain,
            server=f"{rng.choice(('vps', 'web', 'db', 'node'))}-{rng.randint(1000, 9899)}",
            ip=f"{net}.{rng.randint(2, 250)}",
            order=f"{'МП' if ru else 'NM'}-{rng.randint(100000, 999999)}",
            invoice=f"{'СХ' if ru else 'NH'}-{at.year}-{rng.randint(10000, 99999)}",
            contract=f"{'Д' if ru else 'C'}-{rng.randint(1000, 9999)}/{at.year % 100}",
            amount=f"{money:,} ₽".replace(",", "\u00a0") if ru else f"€{money / 100:,.2f}",
            plan=rng.choice(cast.PLANS[language]),
            product=rng.choice(cast.PRODUCTS[language]),
            city=rng.choice(cast.CITIES[language]),
            person=self._person(),
            num=many(rng, 11, 98),
            num4=str(rng.randint(1001, 9998)),
            gb=str(rng.randint(12, 480)),
            min=many(rng, 10, 58),
            sec=many(rng, 5, 19),
            date=day(at - timedelta(days=rng.randint(1, 9)), language),
            fdate=day(at + timedelta(days=rng.randint(4, 12)), language),
        )

    def __missing__(self, name: str) -> str:
        rng = self.rng
        if name == "hm":
            return f"{self._earlier(rng.randint(4, 170)):%H:%M}"
        if name == "till":
            hour = max(self.at.hour + rng.randint(1, 4), 9)
            return (
                f"{hour if hour < 20 else rng.randint(9, 12):02}:{rng.choice((0, 15, 30, 45)):02}"
            )
        ranges = {"ms": (38, 420), "ms2": (60, 510), "pct": (61, 98), "pct2": (3, 29),
                  "gb2": (6, 60),
                  "num1": (2, 4), "num2": (16, 24)}  # fmt: skip
        return str(rng.randint(*ranges[name]))

    def _earlier(self, minutes: int) -> datetime:
        """A moment of the same day before the present one of the story."""
        midnight = self.at.replace(hour=0, minute=1)
        return max(self.at - timedelta(minutes=minutes), midnight)

    def _person(self) -> str:
        rng, female = self.rng, self.rng.random() < 0.5
        if self.language == "ru":
            first = rng.choice(cast.RU_WOMEN if female else cast.RU_MEN)
            return f"{first} {cast.surname(rng.choice(cast.RU_SURNAMES), female)}"
        first = rng.choice(cast.EN_WOMEN if female else cast.EN_MEN)
        return f"{first} {rng.choice(cast.EN_SURNAMES)}"

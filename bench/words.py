"""Russian words for subjects, bodies and names; nothing here is taken from real mail."""

from __future__ import annotations

import random

THINGS = (
    "письмо сайт счёт домен договор сервер заказ пароль вход отчёт кабинет почта оплата тариф ключ "
    "база архив копия диск канал телефон адрес платёж акт доступ код ошибка страница форма"
).split()
DOINGS = (
    "не приходит пропал не открывается не работает отвечает медленно требует продления показывает "
    "ошибку не сохраняется исчез повторяется зависает не обновляется отклонён просит подтверждения"
).split()
LINKS = (
    "и но поэтому вчера сегодня утром вечером снова после перед когда если пожалуйста помогите "
    "проверьте подскажите срочно ещё раз у нас в нашей компании с понедельника"
).split()
# Words of searches by the share of messages they stand in; searched in another form.
SOMETIMES = {"бегемотами": 0.02, "жирафу": 0.2}
SEARCHED = ("бегемот", "жирафы", "письма")
SURNAMES = (
    "Лебедев Жданов Орлов Ёлкин Зорин Хабибуллин Щербаков Кузнецов Абрамов Юдин Яшин Громов"
).split()
FIRST = "Пётр Алексей Иван Тимур Фёдор Никита Роман Егор Лев Борис Артём Илья".split()


def name(number: int) -> str:
    """A person's name; the same for the same number."""
    return f"{FIRST[number % 12]} {SURNAMES[number // 12 % 12]}"


def subject(source: random.Random, number: int) -> str:
    """A subject that names its ticket, so that an answer can be checked."""
    return f"{source.choice(THINGS).capitalize()} {source.choice(DOINGS)}, заявка К{number}"


def body(source: random.Random, token: str, letters: int = 200) -> str:
    """About `letters` letters, with a token that stands nowhere else."""
    parts = [token]
    parts += [word for word, share in SOMETIMES.items() if source.random() < share]
    length = len(" ".join(parts))
    while length < letters:
        word = source.choice(source.choice((THINGS, DOINGS, LINKS)))
        parts.append(word)
        length += len(word) + 1
    return " ".join(parts)

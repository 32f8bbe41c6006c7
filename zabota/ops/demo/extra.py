# ruff: noqa: E501 (texts and lists of names)
"""Greetings, farewells and the words of robots; data of the demonstration."""

from __future__ import annotations

HELLO = {
    "ru": "[Здравствуйте!|Добрый день!|Приветствую!|Здравствуйте, коллеги!|Добрый день, поддержка!]",
    "en": "[Hello,|Hi,|Good morning,|Dear support team,|Hi there,|Hello everybody,]",
}
HELLO_NAME = {
    "ru": "[{name}, здравствуйте!|Здравствуйте, {name}!|{name}, добрый день!|Добрый день, {name}!]",
    "en": "[Hello {name},|Hi {name},|Dear {name},|Good day {name},]",
}
BYE = {
    "ru": "[С уважением,|Спасибо,|Заранее спасибо,|Всего доброго,|Хорошего дня,]",
    "en": "[Best regards,|Kind regards,|Thanks,|Many thanks,|Regards,]",
}
AWAY = {
    "ru": (
        "Автоответ: {subject}",
        "[Здравствуйте! Я в отпуске до {fdate}.|Добрый день! До {fdate} меня нет на месте.] "
        "[По срочным вопросам пишите коллегам: {person}, тел. доб. {num4}.|Срочное передайте, "
        "пожалуйста, сюда: {person}, доб. {num4}.] [Отвечу, когда вернусь.|Письма прочту по "
        "возвращении.]",
    ),
    "en": (
        "Automatic reply: {subject}",
        "[I am out of the office until {fdate}.|Thank you for your mail. I am away until {fdate}.] "
        "[Urgent matters: {person}, extension {num4}.|Please turn to {person} (ext. {num4}) if it "
        "cannot wait.] [I will answer after my return.|Mails are not forwarded.]",
    ),
}
MONITOR = (
    "[{level}] {server}: {what}",
    "Monitoring notice {order}\n\nHost: {server} ({ip})\nCheck: {what}\nState: {level}\n"
    "Since: {date}, {hm}\nValue: {pct} %, threshold {pct2} %\n\n"
    "This notice was sent by the monitoring of {domain}. Nobody reads replies.",
)
MONITOR_CHECKS = (
    "disk usage", "load average", "HTTP response time", "certificate expiry", "memory",
    "replication lag", "mail queue length", "failed logins",
)  # fmt: skip
ONE_C = (
    "1С: Обмен с сайтом {domain} завершён с ошибками",
    "Автоматическое сообщение 1С:Предприятие, база «{person}»\n\nОбмен № {order} от {date}, {hm}\n"
    "Выгружено: {num} документов\nОшибок: {num1}\nПервая ошибка: не найдено соответствие для "
    "номенклатуры «{product}», склад «{city}».\n\nНа это письмо отвечать не нужно.",
)
BOUNCE = {
    "ru": (
        "Недоставленное сообщение: {subject}",
        "Это служебное сообщение почтового сервера {domain}.\n\nПисьмо от {date}, {hm} не удалось "
        "доставить получателю {address}.\n\nОтвет удалённого сервера ({ip}):\n"
        "550 5.1.1 <{address}>: [ящик переполнен|такого получателя нет|ящик закрыт владельцем]",
    ),
    "en": (
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host mx.{domain}.\n\nYour message of {date}, {hm} could not be "
        "delivered to {address}.\n\nThe remote server ({ip}) said:\n"
        "550 5.1.1 <{address}>: [mailbox full|no such user here|mailbox disabled]",
    ),
}
SPAM = {
    "ru": (
        "[Продвижение|Раскрутка|Вывод в топ] {domain} за {num} дней",
        "[Здравствуйте, владелец {domain}!|Уважаемый директор!] [Мы увидели ваш сайт и готовы|Наша "
        "команда готова] [привести {num} клиентов в месяц|поднять {domain} в поиске]. "
        "[Только до {fdate} — скидка {pct} %.|Первый месяц за {amount}.] [Гарантия результата!|Спешите!] "
        "[Звоните: доб. {num4}.|Ответьте «ДА» на это письмо.]",
    ),
    "en": (
        "[Rank {domain} first|Guaranteed traffic for {domain}|{num} new customers]",
        "[Dear owner of {domain},|Hello website owner,] [we noticed that {domain} has {num} errors.|our "
        "team can bring you {num} visitors a day.] [Only until {fdate}: {pct} % off.|Now only {amount}.] "
        "[Reply YES for a free audit.|Our manager {person} awaits your call, ext. {num4}.]",
    ),
}
QUIET_NOTE = {
    "ru": "[Клиент постоянный, {domain} у нас с 20{num2} года.|Проверил{/а} {server}: сбоев за сутки нет.|"
    "Звонил{/а} в {hm}, не ответили. Перезвоню после {till}.|Похожий случай был в {order}, решение там же.|"
    "Договор {contract}: расширенная поддержка, отвечаем в течение часа.|По {invoice} долгов нет, "
    "проверил{/а}.|Техконтакт {domain} — {person}, доб. {num4}.|{person} просит держать в курсе по {domain}.]",
    "en": "[Long-standing customer, {domain} is with us since 20{num2}.|Checked {server}: no failures in a "
    "day.|Called at {hm}, no answer. Will try after {till}.|Similar to {order}, the solution is there.|"
    "Contract {contract}: extended support, one hour.|No debts on {invoice}, checked.|Technical contact of "
    "{domain}: {person}, ext. {num4}.|{person} asks to be kept posted about {domain}.]",
}
NUDGE = {
    "ru": "[Есть новости по {domain}?|Подскажите, что с нашим вопросом по {domain}?|Напоминаю о себе: ждём ответа по "
    "{domain}.] [Пишу с {hm}, время поджимает.|У нас вопрос от {date}, хочется понимать сроки.|Директор спрашивает "
    "каждые {min} минут.|Если нужны ещё сведения, я на связи до {till}.]",
    "en": "[Any news about {domain}?|How is it going with {domain}?|A gentle reminder about {domain}.] [We have been "
    "waiting since {hm}.|Our manager asks every {min} minutes.|I am available until {till}.|It has been open since {date}.]",
}
WAIT = {
    "ru": "[Работаем над этим.|Да, занимаемся.|Пока без окончательного ответа.] [Инженер проверяет {server}, напишу до {till}.|"
    "Готово примерно {pct} %, осталась проверка.|Жду ответа коллег по {domain}, вернусь к вам до {till}.|Нашли "
    "подозрительное место на {server}, проверяем.] [Спасибо за терпение.|Держу вопрос у себя.]",
    "en": "[We are on it.|Still working on it.|No final answer yet.] [An engineer checks {server}; you hear from me "
    "by {till}.|About {pct} % is done, testing remains.|I wait for colleagues about {domain} and will write by {till}.] "
    "[Thank you for your patience.|It stays with me.]",
}
OUTREACH = {
    "ru": (
        "Плановые работы на {server}",
        "В ночь на {fdate}, с 02:{min}, обновим систему на {server}. {domain} будет недоступен до "
        "{min} минут. [Если время неудобно, ответьте на это письмо — перенесём.|Делать ничего не "
        "нужно, копию снимем заранее.]",
    ),
    "en": (
        "Maintenance of {server}",
        "In the night to {fdate}, from 02:{min}, we update {server}. {domain} will be away for up to "
        "{min} minutes. [If that does not suit you, just answer.|Nothing to do on your side, a backup "
        "is taken before.]",
    ),
}

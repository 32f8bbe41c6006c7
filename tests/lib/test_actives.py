"""Language and zone stay with the thread and the task that set them."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.urls import base
from django.utils import timezone, translation
from django.utils.translation import trans_real

from zabota.lib.actives import Active


@pytest.mark.parametrize(
    ("module", "name"),
    [(trans_real, "_active"), (timezone, "_active"), (base, "_prefixes"), (base, "_urlconfs")],
)
def test_django_still_keeps_them_where_they_are_replaced(module: object, name: str) -> None:
    assert isinstance(getattr(module, name), Active)


def test_a_thread_sees_only_its_own() -> None:
    seen: list[str] = []

    def other() -> None:
        seen.append(str(translation.get_language()))
        with translation.override("en"):
            seen.append(str(translation.get_language()))

    with translation.override("ru"), timezone.override("Asia/Yakutsk"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert translation.get_language() == "ru"
        assert timezone.get_current_timezone_name() == "Asia/Yakutsk"
    translation.deactivate()
    assert seen[1] == "en"
    assert seen[0] == str(translation.get_language())


def test_tasks_do_not_disturb_each_other() -> None:
    async def task(language: str) -> list[str | None]:
        translation.activate(language)
        await asyncio.sleep(0)
        inside = await sync_to_async(translation.get_language, thread_sensitive=False)()
        return [translation.get_language(), inside]

    async def both() -> list[list[str | None]]:
        return list(await asyncio.gather(task("ru"), task("en")))

    assert async_to_sync(both)() == [["ru", "ru"], ["en", "en"]]


def test_what_is_not_set_is_missed() -> None:
    one = Active("test")
    assert not hasattr(one, "value")
    one.value = 5
    assert one.value == 5
    del one.value
    assert getattr(one, "value", None) is None

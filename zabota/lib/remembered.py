"""What every page asks and hardly ever changes: asked again after some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """What `read` brings, up to `seconds` old; shared by the threads of a process."""

    def __init__(self, read: Callable[[], T], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._last: tuple[float, T] | None = None

    def get(self) -> T:
        """The present answer, or that of some seconds ago."""
        now, last = time.monotonic(), self._last
        if last is None or now >= last[0]:
            last = self._last = (now + self._seconds, self._read())
        return last[1]

    def forget(self) -> None:
        """Whoever asks next asks anew."""
        self._last = None

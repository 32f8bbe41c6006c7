"""Progress of long work: a bar on a terminal, plain lines elsewhere; ASCII only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

WIDTH = 30
LINE_EVERY = 5.0  # seconds between plain lines
DRAW_EVERY = 0.1


class Progress:
    """`with Progress("Tickets", total) as bar: bar.step()`; counts up to `total` pieces of work."""

    def __init__(self, title: str, total: int, stream: TextIO | None = None) -> None:
        self.title = title
        self.total = max(total, 1)
        self.done = 0
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._began = time.monotonic()
        self._shown = 0.0

    def step(self, count: int = 1) -> None:
        """Note that `count` more pieces are done."""
        self.done += count
        now = time.monotonic()
        if now - self._shown >= (DRAW_EVERY if self._is_terminal else LINE_EVERY):
            self._shown = now
            self._show("\r" if self._is_terminal else "", "" if self._is_terminal else "\n")

    def __enter__(self) -> Progress:
        self._shown = time.monotonic() if not self._is_terminal else 0.0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._show("\r" if self._is_terminal else "", "\n")

    def _show(self, before: str, after: str) -> None:
        self._stream.write(before + self._line() + after)
        self._stream.flush()

    def _line(self) -> str:
        share = min(self.done / self.total, 1.0)
        seconds = time.monotonic() - self._began
        numbers = f"{self.done}/{self.total} {share:4.0%} {seconds:.0f} s"
        if not self._is_terminal:
            return f"{self.title}: {numbers}"
        full = round(share * WIDTH)
        return f"{self.title}: [{'#' * full}{'.' * (WIDTH - full)}] {numbers}"

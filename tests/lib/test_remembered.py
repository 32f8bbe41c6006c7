from __future__ import annotations

import pytest

from zabota.lib.remembered import Remembered


def test_what_was_read_is_kept_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, answers = [100.0], iter("абв")
    monkeypatch.setattr("zabota.lib.remembered.time.monotonic", lambda: now[0])
    kept = Remembered(lambda: next(answers), 5.0)
    assert [kept.get(), kept.get()] == ["а", "а"]
    now[0] += 5.0
    assert [kept.get(), kept.get()] == ["б", "б"]
    kept.forget()
    assert kept.get() == "в"

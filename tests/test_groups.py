"""Tests of one group run in one process."""

from __future__ import annotations

import os

import pytest

SEEN = "ZABOTA_TEST_GROUP"


@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(4))
def test_one_process_runs_a_whole_group(request: pytest.FixtureRequest, number: int) -> None:
    is_spread = bool(request.config.getoption("loadgroup", False))
    assert request.node.nodeid.endswith("@together") is is_spread
    # The first test of the group leaves a mark that only its own process has.
    assert (SEEN in os.environ) is (number > 0)
    os.environ[SEEN] = "seen"
    if number == 3:
        del os.environ[SEEN]

"""Memory does not grow: the same calls, over and over."""

import pytest
from cases import CASES
from memory import resident

from zero_array._host import to_bytes
from zero_array._typing import Namespace

SMALL = [case for case in CASES if "window" not in case.options and max(case.shape) <= 64][:25]


def build(xp: Namespace, calls: int) -> None:
    """Build small weights in turn."""
    for number in range(calls):
        to_bytes(SMALL[number % len(SMALL)].build(xp=xp, dtype="float32"))


def test_flat_memory(xp: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
    """After 100,000 calls no more memory is held than after 10,000, but for a MiB."""
    build(xp, 10_000)
    before = resident()
    build(xp, 90_000)
    after = resident()
    with capsys.disabled():
        print(f"\n{xp.__name__}: {before} KiB after 10,000 calls, {after} KiB after 100,000")
    assert after - before < 1024

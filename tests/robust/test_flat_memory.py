"""Memory does not grow: the same calls, over and over."""

import gc
from pathlib import Path

import pytest
from cases import CASES

import zero_array
from zero_array._host import to_bytes
from zero_array._typing import Namespace

SMALL = [case for case in CASES if "window" not in case.options and max(case.shape) <= 64][:25]


def resident() -> int:
    """The KiB of memory that this process holds now (Linux)."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def build(xp: Namespace, calls: int) -> None:
    """Build small weights in turn."""
    for number in range(calls):
        case = SMALL[number % len(SMALL)]
        init = getattr(zero_array, f"{case.function}_init")
        to_bytes(init(case.shape, xp=xp, dtype="float32", **case.options))


def test_flat_memory(xp: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
    """After 100,000 calls no more memory is held than after 10,000, but for a MiB."""
    build(xp, 10_000)
    before = resident()
    build(xp, 90_000)
    after = resident()
    with capsys.disabled():
        print(f"\n{xp.__name__}: {before} KiB after 10,000 calls, {after} KiB after 100,000")
    assert after - before < 1024

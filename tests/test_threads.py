"""Eight threads that build at once make the golden bytes."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from math import prod
from threading import Barrier

from cases import CASES, SIGNS, Case
from reference import GOLDEN

import zero_array
from zero_array._host import to_bytes
from zero_array._typing import Device, Namespace

THREADS = 8


def digests(chosen: Sequence[Case], xp: Namespace, device: Device | None) -> list[dict[str, str]]:
    """What each of eight threads builds, which start together and each with another weight."""
    barrier = Barrier(THREADS)

    def build(number: int) -> dict[str, str]:
        barrier.wait()
        found = {}
        for case in [*chosen[number:], *chosen[:number]]:
            if case.function == "signs":
                array = zero_array.hadamard(case.shape[0], xp=xp, dtype="float32", device=device, **case.options)
            else:
                init = getattr(zero_array, f"{case.function}_init")
                array = init(case.shape, xp=xp, dtype="float32", device=device, **case.options)
            found[case.id] = sha256(to_bytes(array)).hexdigest()
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(build, range(THREADS)))


def check(chosen: Sequence[Case], xp: Namespace, device: Device | None) -> None:
    """Each thread builds what one alone would."""
    recorded = json.loads(GOLDEN.read_text(encoding="ascii"))["digests"]
    assert digests(chosen, xp, device) == [{case.id: recorded[case.id]["float32"] for case in chosen}] * THREADS


def test_threads(xp: Namespace, device: Device | None) -> None:
    """Eight threads at once build the golden weights; `nox -s robustness` tries all of these."""
    chosen = [case for case in [*CASES, *SIGNS] if prod(case.shape) <= 2**13][::12]
    assert len(chosen) >= THREADS
    check(chosen, xp, device)

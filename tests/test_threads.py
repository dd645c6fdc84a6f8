"""Eight threads that build at once make the golden bytes."""

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

from cases import CASES, SIGNS
from reference import GOLDEN

import zero_array
from zero_array._host import to_bytes
from zero_array._typing import Device, Namespace

THREADS = 8


def test_threads(xp: Namespace, device: Device | None) -> None:
    """Each of eight threads, which start together and each with another weight, builds what one would."""
    recorded = json.loads(GOLDEN.read_text(encoding="ascii"))["digests"]
    chosen = [*CASES[::5], *SIGNS[::3]]
    barrier = Barrier(THREADS)

    def build(number: int) -> dict[str, str]:
        barrier.wait()
        found = {}
        for case in [*chosen[number * 5 :], *chosen[: number * 5]]:
            if case.function == "signs":
                array = zero_array.hadamard(case.shape[0], xp=xp, dtype="float32", device=device, **case.options)
            else:
                init = getattr(zero_array, f"{case.function}_init")
                array = init(case.shape, xp=xp, dtype="float32", device=device, **case.options)
            found[case.id] = sha256(to_bytes(array)).hexdigest()
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(build, range(THREADS)))
    assert results == [{case.id: recorded[case.id]["float32"] for case in chosen}] * THREADS

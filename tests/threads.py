"""What threads that build at once make."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

from cases import Case, recorded

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
            array = case.build(xp=xp, dtype="float32", device=device)
            found[case.id] = sha256(to_bytes(array)).hexdigest()
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(build, range(THREADS)))


def check(chosen: Sequence[Case], xp: Namespace, device: Device | None) -> None:
    """Each thread builds what one alone would."""
    golden = recorded()
    assert digests(chosen, xp, device) == [{case.id: golden[case.id]["float32"] for case in chosen}] * THREADS

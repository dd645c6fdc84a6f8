"""Eight threads that build at once make the golden bytes."""

from math import prod

from cases import CASES, SIGNS
from threads import THREADS, check

from zero_array._typing import Device, Namespace


def test_threads(xp: Namespace, device: Device | None) -> None:
    """Eight threads at once build the golden weights; `nox -s robustness` tries all of these."""
    chosen = [case for case in [*CASES, *SIGNS] if prod(case.shape) <= 2**13][::12]
    assert len(chosen) >= THREADS
    check(chosen, xp, device)

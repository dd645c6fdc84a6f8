"""Eight threads that build all golden cases at once."""

from cases import CASES, SIGNS
from threads import check

from zero_array._typing import Device, Namespace


def test_all_cases(xp: Namespace, device: Device | None) -> None:
    """Each thread builds what one alone would, three times over."""
    for _ in range(3):
        check([*CASES, *SIGNS], xp, device)

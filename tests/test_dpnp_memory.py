"""Memory is the result's, and little else (dpctl makes what every array of dpnp lies in)."""

import weakref
from typing import Any

import dpctl.memory
import dpnp
import pytest
from memory import each_case, each_init, limit


class Held:
    """How many bytes are held, and the most that were."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def add(self, count: int) -> None:
        """Count what comes, or goes."""
        self.now += count
        self.most = max(self.most, self.now)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Count what is allocated from here on."""
    found = Held()

    class Counted(dpctl.memory.MemoryUSMDevice):  # type: ignore[misc]  # dpctl is not typed
        def __init__(self, *_: Any, **__: Any) -> None:
            found.add(self.nbytes)
            weakref.finalize(self, found.add, -self.nbytes)

    monkeypatch.setattr(dpctl.memory, "MemoryUSMDevice", Counted)
    return found


@each_case
@each_init
def test_peak_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any], held: Held) -> None:
    """Building takes the result's bytes and at most a tenth more, or 1 MiB."""
    array = init(shape, xp=dpnp, **{"dtype": "float32", **options})
    assert array.nbytes <= held.most <= limit(array.nbytes)

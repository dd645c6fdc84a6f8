"""Peak memory of one call, in a process of its own: ``python peak.py HOW SHAPE`` prints bytes beside the result.

HOW is a backend of the table, ``ones:`` before it for that library's ones, ``jit:`` for the call under ``jax.jit``. The
peak is the kernel's own figure for the process (Linux), less what the process held before the call.
"""

import sys
from importlib import import_module
from math import prod
from pathlib import Path

import zero_array
from zero_array import _host
from zero_array.backends import backend


def main(how: str, text: str) -> None:
    """Print the peak beside the result, in bytes."""
    way, _, name = how.rpartition(":")
    shape = tuple(int(size) for size in text.split("x"))
    xp = backend(name).namespace()

    def make(shape: tuple[int, ...]) -> object:
        if way == "ones":
            kind = zero_array.hadamard_init((1, 1), xp=xp, dtype="float32").dtype
            return _host.finished(xp.ones(shape, dtype=kind))
        if way == "jit":
            jit = import_module("jax").jit
            return _host.finished(jit(lambda: zero_array.hadamard_init(shape, xp=xp, dtype="float32"))())
        return _host.finished(zero_array.hadamard_init(shape, xp=xp, dtype="float32"))

    make((256, 256))  # what the library sets up once
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak so far is forgotten
    before = memory("VmRSS")
    result = make(shape)
    peak = memory("VmHWM") - before
    del result
    print(peak - 4 * prod(shape))


def memory(name: str) -> int:
    """One of the kernel's figures for this process, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])

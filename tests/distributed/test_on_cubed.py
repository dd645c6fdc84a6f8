"""cubed, by its own map_blocks on its default executor: chunks alone and all of them, in bounded memory."""

import json
import subprocess
import sys
from hashlib import sha256
from itertools import accumulate, pairwise
from typing import Any

import cubed
import pytest

import zero_array

LARGE = (65536, 16384)

SCRIPT = f"""
import json, re
from hashlib import sha256
from pathlib import Path
import cubed, numpy, zero_array

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

def digest(block):  # its first eight bytes: cubed's store takes numbers
    return numpy.frombuffer(sha256(block).digest()[:8], "<u8").reshape(1, 1)

def digests(shape):
    array = zero_array.zero_init(shape, xp=cubed, dtype="float32")
    counts = tuple((1,) * count for count in array.numblocks)
    return array.chunks, cubed.map_blocks(digest, array, dtype="uint64", chunks=counts).compute().tolist()

digests((64, 32))
before = peak()
chunks, found = digests({LARGE})
print(json.dumps({{"chunks": chunks, "digests": found, "peak": peak() - before}}))
"""


def test_all_chunks_in_bounded_memory() -> None:
    """All of a weight of 4 GiB is computed, and three chunks at most are held at once (Linux)."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    down, across = (tuple(pairwise(accumulate(sizes, initial=0))) for sizes in found["chunks"])
    for rows, row in zip(down, found["digests"], strict=True):
        for cols, code in zip(across, row, strict=True):
            chunk = zero_array.zero_init(LARGE, dtype="float32", window=(rows, cols))
            assert code == int.from_bytes(sha256(chunk).digest()[:8], "little")
    largest = 4 * down[0][1] * across[0][1]
    assert len(down) * len(across) > 10
    assert found["peak"] <= 3 * largest


@pytest.mark.parametrize("place", [(0, 0), (-1, -2)], ids=str)
def test_one_chunk_of_a_huge_weight(place: tuple[int, int]) -> None:
    """A chunk of a weight of a million by a million, 4 TB, is computed alone, with the bytes of its window."""
    shape = (1_000_000, 1_000_000)
    array: Any = zero_array.hadamard_init(shape, xp=cubed, dtype="float32")
    cuts = [list(pairwise(accumulate(sizes, initial=0))) for sizes in array.chunks]
    window = [cut[number] for cut, number in zip(cuts, place, strict=True)]
    part = array[tuple(slice(*ends) for ends in window)].compute()
    assert part.tobytes() == zero_array.hadamard_init(shape, dtype="float32", window=window).tobytes()

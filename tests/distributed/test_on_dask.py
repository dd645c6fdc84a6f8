"""Dask's cluster of two processes: chunks alone and all of them, in bounded memory, and though a worker is killed."""

import os
import re
import signal
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import dask
import numpy
import psutil
import pytest
from distributed import Client, LocalCluster, wait

import zero_array
import zero_array.dask

LARGE, ROWS = (65536, 16384), 512
CHUNK = ROWS * LARGE[1] * 4
OPTIONS: dict[str, Any] = {"dtype": "float32", "scale": "paper"}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A cluster of two processes on loopback, which have ended when the tests have."""
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(processes=True, **options) as cluster, Client(cluster) as found:
        found.run(zero_array.zero_init, (2, 2))  # what is imported does not count
        yield found
    left = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    assert [line for line in left if "multiprocessing.resource_tracker" not in " ".join(line)] == []


def digest(block: Any) -> Any:
    """A chunk as one digest."""
    return numpy.asarray([[sha256(block).hexdigest()]])


def slow_digest(block: Any) -> Any:
    """The same, so late that a worker can be killed before all are there."""
    sleep(0.1)
    return digest(block)


def digests(array: Any, function: Any = digest) -> Any:
    """A lazy array of the digests of an array's chunks."""
    return array.map_blocks(function, chunks=tuple((1,) * count for count in array.numblocks), dtype="<U64")


def expected(shape: tuple[int, int], rows: int) -> list[str]:
    """The digests of a weight's bands of rows, by NumPy."""
    starts = range(0, shape[0], rows)
    bands = (((start, min(start + rows, shape[0])), (0, shape[1])) for start in starts)
    return [sha256(zero_array.zero_init(shape, window=band, **OPTIONS)).hexdigest() for band in bands]


def peaks(client: Client) -> list[int]:
    """The most memory that each worker has ever held (Linux)."""

    def peak() -> int:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        assert found
        return int(found[1]) * 1024

    return list(client.run(peak).values())


@pytest.mark.parametrize("place", [(0, 0), (999, 998), (0, 999), (499, 500)], ids=str)
def test_one_chunk_of_a_huge_weight(place: tuple[int, int], client: Client) -> None:
    """A chunk of a weight of a million by a million, 4 TB, is computed alone, with the bytes of its window."""
    array = zero_array.dask.hadamard_init((1_000_000,) * 2, chunks=1000, **OPTIONS)
    window = [(1000 * number, 1000 * number + 1000) for number in place]
    alone = zero_array.hadamard_init((1_000_000,) * 2, window=window, **OPTIONS)
    assert client.compute(array.blocks[place]).result().tobytes() == alone.tobytes()


def test_all_chunks_in_bounded_memory(client: Client) -> None:
    """All of a weight of 4 GiB is computed, and no worker holds more than three chunks at once."""
    before = peaks(client)
    found = digests(zero_array.dask.zero_init(LARGE, chunks=(ROWS, -1), **OPTIONS)).compute()
    assert found[:, 0].tolist() == expected(LARGE, ROWS)
    held = [after - start for after, start in zip(peaks(client), before, strict=True)]
    assert max(held) <= 3 * CHUNK


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_graph_is_linear_in_chunks(count: int) -> None:
    """The graph has one task for each chunk, and one for a chunk alone; what is sent of it grows with the cuts."""
    array = zero_array.dask.zero_init((1_000_000,) * 2, chunks=1_000_000 // count)
    assert len(array.__dask_graph__()) == count**2
    (alone,) = dask.optimize(array.blocks[count - 1, 0])
    assert len(alone.__dask_graph__()) <= 2


def killed(client: Client, address: str) -> int:
    """Kill the process of a worker, which this test's cluster has started; its number."""
    number: int = client.run(os.getpid, workers=[address])[address]
    assert psutil.Process(number) in psutil.Process().children(recursive=True)
    os.kill(number, signal.SIGKILL)
    return number


def test_worker_killed_while_it_computes(client: Client) -> None:
    """A worker that is killed in the middle loses nothing: its chunks are computed again, to the same bytes."""
    shape, rows = (4096, 2048), 64
    futures = client.compute(list(digests(zero_array.dask.zero_init(shape, chunks=(rows, -1), **OPTIONS), slow_digest)))
    end = monotonic() + 30
    while sum(future.done() for future in futures) < 8 and monotonic() < end:
        sleep(0.02)
    number = killed(client, next(iter(client.scheduler_info()["workers"])))
    assert any(not future.done() for future in futures)
    assert [digest for (digest,) in client.gather(futures)] == expected(shape, rows)
    client.wait_for_workers(2, timeout=60)
    assert number not in client.run(os.getpid).values()


def test_worker_killed_with_its_chunks(client: Client) -> None:
    """Chunks that a killed worker held are computed again, to the same bytes."""
    shape, rows = (4096, 2048), 64
    client.wait_for_workers(2, timeout=60)
    array = client.persist(zero_array.dask.zero_init(shape, chunks=(rows, -1), **OPTIONS))
    wait(array, timeout=60)
    holders = {address: len(keys) for address, keys in client.has_what().items()}
    address = max(holders, key=holders.__getitem__)
    assert holders[address] > 0
    killed(client, address)
    assert digests(array).compute()[:, 0].tolist() == expected(shape, rows)

"""Races: our function against what a user would pick instead, in turns (A B A B), in one process.

A plugin of pytest, beside the fixtures of the tests. Both sides are waited for until their arrays are really there, and
drop them before the other side's turn. Medians of both and their ratio go into pytest-benchmark's JSON.
"""

import os
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import pytest

from zero_array import _host

Make = Callable[[], Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cores`` and ``--quick``."""
    parser.addoption("--cores", type=int, default=1, help="processor cores to use (default 1)")
    parser.addoption("--quick", action="store_true", help="few rounds and no large arrays: are the races in order?")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the process to its cores, before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: config.getoption("cores")])
    os.environ["OMP_NUM_THREADS"] = str(config.getoption("cores"))


@pytest.fixture
def race(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Race two ways of making an array (or of filling some)."""
    seconds = 0.05 if request.config.getoption("quick") else 1.0

    def run(ours: Make, peer: Make, *, work: str, against: str, bar: float | None = None, entries: int = 0) -> None:
        """Race; `bar` is the ratio to reach, `entries` the number of elements made in a turn."""

        def turn(make: Make) -> float:
            start = perf_counter()
            _host.finished(make())
            return perf_counter() - start

        turn(peer), turn(ours)  # both compile, and touch what they need
        once = turn(peer) + turn(ours)
        peers: list[float] = []
        rounds = max(5, min(300, int(seconds / once)))
        benchmark.pedantic(lambda: turn(ours), setup=lambda: peers.append(turn(peer)), rounds=rounds)
        mine = benchmark.stats.stats.median
        benchmark.extra_info |= {
            "work": work,
            "against": against,
            "bar": bar,
            "entries": entries,
            "median": mine,
            "peer": median(peers),
            "ratio": mine / median(peers),
        }

    return run


@pytest.fixture
def size_limit(request: pytest.FixtureRequest) -> int:
    """The largest number of entries worth making: all but the largest arrays where it must be quick."""
    return 2**23 if request.config.getoption("quick") else 2**31

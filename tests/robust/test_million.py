"""A million calls of anything: see `tests/fuzzing.py`."""

import faulthandler
import resource
from collections import Counter
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import fuzzing
import pytest
from hypothesis import HealthCheck, given, settings

from zero_array._commands import _check

long = settings(suppress_health_check=list(HealthCheck), derandomize=False, print_blob=True)
COUNTS: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print the figures; ten minutes without an end to an example end the session; memory is bounded."""
    COUNTS.clear()
    set_alarm()
    start, before = perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    faulthandler.cancel_dump_traceback_later()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(request.node.name, dict(COUNTS), f"{perf_counter() - start:.0f} s, peak {peak // 1024} MiB")
    assert peak - before < 512 * 1024


def set_alarm() -> None:
    """Give the next example ten minutes: what takes longer hangs."""
    faulthandler.dump_traceback_later(600, exit=True)


def count(calls: int, built: int) -> None:
    """Add what one example did, and set the alarm for the next."""
    COUNTS.update(calls=calls, built=built)
    set_alarm()


@pytest.mark.parametrize("init", fuzzing.INITS, ids=lambda init: init.__name__)
@settings(long, max_examples=470)
@given(choice=fuzzing.choices())
def test_constructors(init: Any, choice: dict[str, list[Any]]) -> None:
    """Every combination of good and bad arguments."""
    count(*fuzzing.check(choice, init))


@settings(long, max_examples=400)
@given(choice=fuzzing.transforms())
def test_transforms(choice: dict[str, list[Any]]) -> None:
    """The same of the transform."""
    count(*fuzzing.check_transforms(choice))


@settings(long, max_examples=5_000)
@given(arguments=fuzzing.commands)
def test_commands(arguments: Sequence[str]) -> None:
    """Any words after the command's name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_check, "_in_child", fuzzing.no_child)
        count(1, fuzzing.check_command(arguments) == 0)

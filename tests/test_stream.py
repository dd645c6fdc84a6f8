"""A weight of any size, a window at a time: its digest holds a few of its rows."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy
import pytest
from cases import CASES, Case, recorded
from memory import peak

import zero_array
from zero_array import _stream
from zero_array.__main__ import main
from zero_array._weight import RULES, weight

GOLDEN = recorded()
DEFAULTS: dict[str, Any] = {"in_axis": 1, "out_axis": 0, "groups": 1, "center": "paper", "window": None}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_digest(case: Case, dtype: str) -> None:
    """Built three rows at a time, a weight has the golden digest of the whole."""
    rule = {"zero": None, "hadamard": "hadamard", "identity": "identity"}[case.function]
    whole = weight(rule, case.shape, **DEFAULTS | case.options)  # type: ignore[arg-type]  # mypy sees strings
    told: list[float] = []
    assert _stream.digest(whole, dtype, 3, told.append) == GOLDEN[case.id][dtype]
    assert all(before < after for before, after in pairwise(told))
    assert told[-1:] == ([1.0] if prod(case.built) else [])


@pytest.mark.parametrize("entries", [1, 2, 7, 24, 60, 119, 10_000])
@pytest.mark.parametrize("shape", [(5, 24), (2, 3, 4, 5), (120, 1), (1, 120), (3, 0), (0, 4)], ids=str)
def test_windows(shape: tuple[int, ...], entries: int) -> None:
    """Windows hold all entries once, in C order, and none holds more than it may."""
    whole = numpy.arange(prod(shape)).reshape(shape)
    parts = [whole[tuple(slice(*ends) for ends in window)] for window in _stream.windows(shape, entries)]
    assert [number for part in parts for number in part.reshape(-1)] == list(range(prod(shape)))
    assert all(part.size <= entries for part in parts)


COMMANDS = [
    ("widen-odd-m-paper", "128x32 --scale paper --chunk 5"),
    ("small-list", "32x16 --function hadamard_init"),
    ("widen-identity", "83x82 --function identity_init --chunk 82"),
    ("groups-in-out", "32x128 --in-axis 0 --out-axis 1 --groups 2 --chunk 1"),
    ("keras-conv1d-even", "4x7x30 --in-axis=-2 --out-axis=-1 --center same --chunk 1"),
    ("conv-mixed-taps", "32X32x3x4 --center=-1x0 --chunk 9"),
    ("exact-distinct-60", "60x15 --order exact --columns distinct --chunk 7"),
]


@pytest.mark.parametrize(("case", "arguments"), COMMANDS)
def test_command(case: str, arguments: str, any_dtype: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the golden digest, and nothing else: what is shown on a terminal is for a terminal."""
    assert main(["hash", *arguments.split(), "--dtype", any_dtype]) == 0
    assert capsys.readouterr() == (GOLDEN[case][any_dtype] + "\n", "")


def test_progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, what part is done is written over itself, and gone at the end."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["hash", "4x3", "--chunk", "1"]) == 0
    assert capsys.readouterr().err == "\r 25%\r 50%\r 75%\r100%\r    \r"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("6x3 --chunk 0", "`chunk` must be an int >= 1; got 0"),
        ("6x3 --center midst", "`center` must be 'paper', 'same' or one int per kernel axis; got 'midst'"),
        ("6x3 --center 1y1", "argument --center: invalid _center value: '1y1'"),
        ("6x3 --in-axis 2", "`in_axis` must be an int from -2 to 1 for a shape of 2 axes; got 2"),
        ("6x3 --dtype int8", "invalid choice: 'int8'"),
    ],
)
def test_wrong_usage(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is status 2 and one sentence."""
    with pytest.raises(SystemExit) as stop:
        main(["hash", *arguments.split()])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("shape", ["8192x8192", "3x8192x8192", "67108864x1"])
def test_digest_memory(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A weight of 256 MiB and more is hashed in less than 64."""
    assert peak(lambda: main(["hash", shape, "--function", "hadamard_init"])) < 64 * 2**20
    assert len(capsys.readouterr().out) == 65


def test_rules_name_the_constructors() -> None:
    """Every constructor has its rule."""
    assert set(RULES) == {name for name in zero_array.__all__ if name.endswith("_init")}

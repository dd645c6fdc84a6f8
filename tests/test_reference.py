"""The reference itself: its rounding against the machine's, its digests against the recorded file."""

import hashlib
import json
import struct
from typing import Any

import ml_dtypes
import numpy
import pytest
import reference
from cases import CASES, SIGNS, Case
from cases import GOLDEN as FILE
from hypothesis import given
from hypothesis import strategies as st

import zero_array
from zero_array._commands import _networks

ALL = [*CASES, *SIGNS]
GOLDEN = json.loads(FILE.read_text(encoding="ascii"))


def test_definition() -> None:
    """The golden file, the reference and the package speak of the same definition."""
    assert GOLDEN["definition"] == reference.DEFINITION == zero_array.DEFINITION


def test_no_case_is_missing() -> None:
    """The golden file holds every case once, in every dtype, and nothing else."""
    names = [case.id for case in ALL]
    assert list(GOLDEN["digests"]) == names
    assert len(set(names)) == len(names)
    integers = ["int8"]
    for case in ALL:
        wanted = [*reference.FORMATS, *(integers if case.function == "signs" else [])]
        assert list(GOLDEN["digests"][case.id]) == wanted


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_golden_file(case: Case) -> None:
    """The golden file is what the reference writes."""
    assert reference.digests(case) == GOLDEN["digests"][case.id]


def test_record_of_the_layers() -> None:
    """What `zero-array check` compares its list of layers with is what the reference makes of them."""
    cases = [Case(entry.name, "zero", entry.shape, dict(entry.options)) for entry in _networks.layers()]
    weights = [list(reference.flat(reference.weight(case))) for case in cases]
    for name in reference.FORMATS:
        data = b"".join(reference.to_bytes(entries, name) for entries in weights)
        assert hashlib.sha256(data).hexdigest() == _networks.RECORDED[name]["layers"]


@pytest.mark.parametrize(("name", "code"), [("float64", "<d"), ("float32", "<f"), ("float16", "<e")])
@given(data=st.data())
def test_rounding_is_the_machines(name: str, code: str, data: Any) -> None:
    """A double is rounded as the struct module does, subnormal results included."""
    size = {"<d": 1e308, "<f": 3e38, "<e": 65000.0}[code]
    value = data.draw(st.one_of(st.floats(-size, size), st.floats(-1e-4, 1e-4), st.floats(-1e-40, 1e-40)))
    assert reference.encode(value, name) == struct.pack(code, value + 0.0)


@given(value=st.floats(-(2.0**100), 2.0**100, width=32))
def test_bfloat16_is_ml_dtypes(value: float) -> None:
    """A float32 is rounded to bfloat16 as ml_dtypes does."""
    assert reference.encode(value, "bfloat16") == numpy.float32(value + 0.0).astype(ml_dtypes.bfloat16).tobytes()


def test_bfloat16_rounds_once() -> None:
    """A double just above a tie goes up: by way of float32 it would become the tie and go down."""
    assert reference.encode(1 + 2**-8 + 2**-40, "bfloat16") == b"\x81\x3f"
    assert reference.encode(1 + 2**-8, "bfloat16") == b"\x80\x3f"


def test_paper_example() -> None:
    """Definition 2 at m = 2, written out."""
    assert reference.sylvester(2) == [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]

"""The devices of array-api-strict that lack what others have; on those that do not, all shared tests run."""

import hashlib
from typing import Any

import array_api_strict
import pytest
from cases import CASES, SIGNS, Case, recorded

import zero_array
from zero_array._host import to_bytes

GOLDEN = recorded()
NARROW = [array_api_strict.Device(name) for name in ("no_float64", "no_x64")]
each_narrow = pytest.mark.parametrize("narrow", NARROW, ids=str)


@each_narrow
@pytest.mark.parametrize("case", [*CASES, *SIGNS], ids=lambda case: case.id)
def test_narrow(case: Case, narrow: Any) -> None:
    """Where there is no float64, and no int64 either, the bytes are the same."""
    array = case.build(xp=array_api_strict, dtype="float32", device=narrow)
    assert array.device == narrow
    assert hashlib.sha256(to_bytes(array)).hexdigest() == GOLDEN[case.id]["float32"]


@each_narrow
def test_default_is_what_the_device_has(narrow: Any) -> None:
    """Left out, the dtype is the device's own default."""
    assert zero_array.zero_init((3, 2), xp=array_api_strict, device=narrow).dtype == array_api_strict.float32


def test_devices_do_not_mix() -> None:
    """Weights on two devices are no operands of one sum: the library refuses, in its own words."""
    one, other = (zero_array.zero_init((8, 4), xp=array_api_strict, device=device) for device in NARROW)
    assert to_bytes(one) == to_bytes(other)
    with pytest.raises(ValueError, match="two different devices"):
        one + other

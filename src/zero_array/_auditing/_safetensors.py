"""The format safetensors: eight bytes of a length, a header in JSON of that length, and the values.

Read here and not by the library of that name, because that maps the whole file into memory, which counts as used, and
needs ml_dtypes for bfloat16. What it refuses is refused here.
"""

import json
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from .. import _checks
from . import _audit_checks
from ._stored import Range, Stored

LONGEST = 2**24
"""The longest header that is read: 16 MiB, for far more arrays than one file has."""

KINDS = {
    "F64": ("float64", "<f8", 64),
    "F32": ("float32", "<f4", 32),
    "F16": ("float16", "<f2", 16),
    "BF16": ("bfloat16", "<u2", 16),
    "I64": ("int64", "<i8", 64),
    "I32": ("int32", "<i4", 32),
    "I16": ("int16", "<i2", 16),
    "I8": ("int8", "i1", 8),
    "U64": ("uint64", "<u8", 64),
    "U32": ("uint32", "<u4", 32),
    "U16": ("uint16", "<u2", 16),
    "U8": ("uint8", "u1", 8),
    "BOOL": ("bool", "?", 8),
    "C64": ("complex64", "<c8", 64),
    **{name: (name.lower(), "u1", 8) for name in ("F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ")},
    **{name: (name.lower(), "u1", 6) for name in ("F6_E2M3", "F6_E3M2")},
    "F4": ("f4", "u1", 4),
}
"""Per dtype of the format: its name, how NumPy reads it, and the bits of a value."""


def read(path: Path) -> dict[str, Stored]:
    """The arrays of a file; only its header is read."""
    with path.open("rb") as file:
        return arrays(path, file)


def arrays(path: Path, file: BinaryIO) -> dict[str, Stored]:
    """The same, of a file that is open."""
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        there = max(size - 8, 0)
        raise _audit_checks.bad_file(path, f"its header should be {length} bytes long, and {there} are there")
    if length > LONGEST:
        raise _audit_checks.bad_file(path, f"its header of {length} bytes is longer than the {LONGEST} that are read")
    header = parse(path, file.read(length))
    header.pop("__metadata__", None)
    entries = {name: _entry(path, name, value) for name, value in header.items()}
    _check_ranges(path, [(start, stop) for _, _, start, stop in entries.values()], size - 8 - length)
    return {
        name: Stored(shape, *KINDS[kind][:2], Range(path, 8 + length + start))
        for name, (shape, kind, start, _) in entries.items()
    }


def parse(path: Path, text: bytes) -> dict[str, Any]:
    """An object of JSON in which no name comes twice."""
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _audit_checks.bad_file(path, "its header is no JSON, or has a name twice") from None
    if not isinstance(found, dict):
        raise _audit_checks.bad_file(path, "its header is no JSON object")
    return found


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    items = list(pairs)
    found = dict(items)
    if len(found) < len(items):
        raise ValueError
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _entry(path: Path, name: str, value: Any) -> tuple[tuple[int, ...], str, int, int]:
    """The shape, the kind and the range of one array."""
    item = value if isinstance(value, dict) else {}
    shape, ends = _checks.integers(item.get("shape")), _checks.integers(item.get("data_offsets"))
    kind = item.get("dtype")
    if shape is None or ends is None or len(ends) != 2 or not isinstance(kind, str) or min((0, *shape, *ends)) < 0:
        raise _audit_checks.bad_file(path, f"its array {_audit_checks.shown(name)} has no shape, dtype or place")
    if kind not in KINDS:
        raise _audit_checks.bad_file(
            path, f"its array {_audit_checks.shown(name)} has the unknown dtype {_audit_checks.shown(kind)}"
        )
    if prod(shape) * KINDS[kind][2] != (ends[1] - ends[0]) * 8:
        raise _audit_checks.bad_file(
            path, f"its array {_audit_checks.shown(name)} does not take the bytes that its shape and dtype need"
        )
    return shape, kind, *ends


def _check_ranges(path: Path, ranges: Iterable[tuple[int, int]], size: int) -> None:
    """See that the arrays lie one behind the other, from the header to the end."""
    end = 0
    for start, stop in sorted(ranges):
        if start != end:
            raise _audit_checks.bad_file(path, "its arrays overlap, or leave holes between them")
        end = stop
    if end != size:
        raise _audit_checks.bad_file(path, f"its arrays take {end} bytes, and {size} are there")

"""NumPy's .npz: a ZIP archive of arrays. Objects, which would be pickles, are refused."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZipInfo

from . import _audit_checks
from ._stored import Archive, Member, Stored
from ._windows import BUDGET


@contextmanager
def opened(path: Path) -> Iterator[dict[str, Any]]:
    """The arrays of an archive, while it is open; only their headers are read, but of arrays in Fortran's order."""
    with ExitStack() as stack:
        with _audit_checks.well_formed(path):
            archive = stack.enter_context(closing(Archive(path)))
            members = archive.members()
            found = {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
            if len(found) < len(members):
                raise _audit_checks.bad_file(path, "it has a name twice")
        yield found


def _array(archive: Archive, member: ZipInfo) -> Any:
    """One array."""
    import numpy
    from numpy.lib import format as npy

    path, name = archive.path, _audit_checks.shown(member.filename)
    with archive.first(member) as file:
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        version = npy.read_magic(file)
        if version not in readers:
            raise _audit_checks.bad_file(path, f"its array {name} is of another version of the format")
        shape, is_fortran, dtype = readers[version](file)
        start = file.tell()
        if dtype.kind not in "fiubcV" or dtype.hasobject or dtype.fields or min((0, *shape)) < 0:
            raise _audit_checks.bad_file(path, f"its array {name} holds {dtype}, no numbers; objects are never loaded")
        if prod(shape) * dtype.itemsize != member.file_size - start:
            raise _audit_checks.bad_file(
                path, f"its array {name} does not take the bytes that its shape and dtype need"
            )
        kind = dtype.name if dtype.kind != "V" else "bfloat16" if dtype.str == "|V2" else dtype.str
        found = Stored(shape, kind, "<u2" if kind == "bfloat16" else dtype.str, Member(archive, member.filename, start))
        if not is_fortran or len(shape) < 2:
            return found
        if prod(shape) > 16 * BUDGET:
            raise _audit_checks.bad_file(
                path, f"its array {name} is in Fortran's order and large: save numpy.ascontiguousarray of it"
            )
        return numpy.asarray(Stored(shape[::-1], *_kind(found))[tuple(slice(0, size) for size in shape[::-1])]).T


def _kind(found: Stored) -> tuple[Any, ...]:
    return found.dtype, found.stored, found.read

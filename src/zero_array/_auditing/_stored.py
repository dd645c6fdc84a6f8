"""Arrays in files: read window by window, never whole, never by running what a file holds."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile, ZipInfo

from .._typing import Shape
from . import _audit_checks

Read = Callable[[int, int], bytes]
"""From a file: so many bytes from some place of an array on."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An array in a file, in C order: it has a shape, a dtype by name, and those windows that are one run of bytes."""

    shape: Shape
    dtype: str
    stored: str
    read: Read

    def __getitem__(self, window: tuple[slice, ...]) -> Any:
        """A window as NumPy's array; bfloat16 as float32."""
        import numpy

        start = 0
        for part, size in zip(window, self.shape, strict=True):
            start = start * size + part.start
        sizes = [part.stop - part.start for part in window]
        width = numpy.dtype(self.stored).itemsize
        found = numpy.frombuffer(self.read(start * width, prod(sizes) * width), self.stored).reshape(sizes)
        if self.dtype == "bfloat16":
            return (found.astype("uint32") << 16).view("float32")
        return found


@dataclass(frozen=True, slots=True)
class Range:
    """A range of bytes of a file."""

    path: Path
    start: int

    def __call__(self, place: int, count: int) -> bytes:
        """So many bytes from a place on."""
        with self.path.open("rb") as file:
            return _exactly(file, self.path, self.start + place, count)


OPEN = 2
"""So many members of an archive are open at a time: two are compared."""


class Archive:
    """A ZIP archive that is open. Its members are best read from the beginning to the end, for they may be packed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = ZipFile(path)
        self._open: dict[str, Any] = {}  # the one that was opened last is the last

    def members(self) -> list[ZipInfo]:
        """What there is in it."""
        return self._archive.infolist()

    def first(self, member: ZipInfo) -> Any:
        """A member, to read its first bytes: its user closes it."""
        return self._archive.open(member)

    def read(self, name: str, place: int, count: int) -> bytes:
        """So many bytes of a member, from a place on."""
        with _audit_checks.well_formed(self.path):
            if name not in self._open:
                while len(self._open) >= OPEN:
                    self._open.pop(next(iter(self._open))).close()
                self._open[name] = self._archive.open(name)
            return _exactly(self._open[name], self.path, place, count)

    def close(self) -> None:
        """Let go of the file."""
        for member in self._open.values():
            member.close()
        self._archive.close()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive, behind its first bytes."""

    archive: Archive
    name: str
    start: int

    def __call__(self, place: int, count: int) -> bytes:
        """So many bytes from a place on."""
        return self.archive.read(self.name, self.start + place, count)


def _exactly(file: BinaryIO | Any, path: Path, place: int, count: int) -> bytes:
    """So many bytes, or a refusal."""
    file.seek(place)
    found: bytes = file.read(count)
    if len(found) != count:
        raise _audit_checks.bad_file(path, "it ends before its values do")
    return found

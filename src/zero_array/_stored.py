"""Arrays in files: read window by window, never whole, never by running what a file holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

from . import _audit_checks
from ._typing import Shape

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


@dataclass(slots=True)
class Member:
    """A file in a ZIP archive, behind its first bytes: best read from the beginning to the end."""

    path: Path
    name: str
    start: int
    open: list[Any] = field(default_factory=list)

    def __call__(self, place: int, count: int) -> bytes:
        """So many bytes from a place on."""
        with _audit_checks.well_formed(self.path):
            try:
                if not self.open:
                    self.open.append(ZipFile(self.path))
                    self.open.append(self.open[0].open(self.name))
                return _exactly(self.open[1], self.path, self.start + place, count)
            except BaseException:
                self.__del__()  # now: who keeps the error keeps this
                raise

    def __del__(self) -> None:
        """Close what was left open for the next window."""
        while self.open:
            self.open.pop().close()


def _exactly(file: BinaryIO | Any, path: Path, place: int, count: int) -> bytes:
    """So many bytes, or a refusal."""
    file.seek(place)
    found: bytes = file.read(count)
    if len(found) != count:
        raise _audit_checks.bad_file(path, "it ends before its values do")
    return found

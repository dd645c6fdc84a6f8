"""Where an array is made, and as what: a namespace with its dtype and device filled in."""

from typing import Any, NamedTuple

from . import _namespace
from ._typing import Array, Device, DType, Namespace, Shape


class Target(NamedTuple):
    """Where an array is made, and as what: namespace, dtype, and the device keyword where there is one."""

    xp: Namespace
    dtype: DType
    place: dict[str, Device]

    def floats(self, values: Any) -> Array:
        """Python floats, each rounded once to the dtype."""
        return _namespace.constants(self.xp, values, self.dtype, self.place)

    def indices(self, values: Any) -> Array:
        """Python ints, in the dtype that the library takes entries by."""
        return _namespace.constants(self.xp, values, _namespace.index_dtype(self.xp), self.place)

    def arange(self, start: int, stop: int) -> Array:
        """The integers of a range."""
        found = self.xp.arange(stop - start, dtype=_namespace.index_dtype(self.xp), **self.place)
        return found + start if start else found  # `stop` may not fit 32 bits

    def zeros(self, shape: Shape) -> Array:
        """Positive zeros."""
        return self.xp.zeros(shape, dtype=self.dtype, **self.place)

    def eye(self, rows: int, cols: int, k: int = 0) -> Array:
        """Ones on the ``k``-th diagonal."""
        return self.xp.eye(rows, cols, k=k, dtype=self.dtype, **self.place)

    def rows(self, table: Array, index: Array) -> Array:
        """Rows of a table by number."""
        return _namespace.rows(self.xp, table, index)

    def entries(self, values: Array, places: Array) -> Array:
        """Entries of a list, at an array of places of any rank."""
        return _namespace.gather(self.xp, values, places)

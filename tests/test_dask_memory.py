"""A chunk takes its own memory, and little else; what Dask does to put chunks together is its own."""

from typing import Any

import dask
from memory import each_case, each_init, limit, traced

import zero_array.dask


@each_case
@each_init
def test_peak_memory_of_a_chunk(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Building a chunk takes its bytes and at most a tenth more, or 1 MiB."""
    array = getattr(zero_array.dask, init.__name__)(shape, chunks=-1, **{"dtype": "float32", **options})
    key = (array.name, *(0 for _ in shape))
    graph = dict(array.__dask_graph__())
    most, result = traced(lambda: dask.get(graph, key))
    assert result <= most <= limit(result)

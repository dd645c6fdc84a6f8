"""Memory is the result's, and little else (the compiler says what it plans)."""

from typing import Any

import jax
import jax.numpy
from memory import each_case, each_init, limit


@each_case
@each_init
def test_planned_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """The compiled call, which an eager one is too, takes the result's bytes and at most a tenth more, or 1 MiB."""
    make = jax.jit(lambda: init(shape, xp=jax.numpy, **{"dtype": "float32", **options}))
    plan = make.lower().compile().memory_analysis()
    array = jax.eval_shape(make)
    result = array.size * array.dtype.itemsize
    assert plan.output_size_in_bytes >= result
    assert plan.output_size_in_bytes + plan.temp_size_in_bytes <= limit(result)

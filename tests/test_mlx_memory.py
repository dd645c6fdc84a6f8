"""Memory is the result's, and little else (MLX counts its own)."""

from typing import Any

import mlx.core
from memory import each_case, each_init, limit

import zero_array


@each_case
@each_init
def test_peak_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Building takes the result's bytes and at most a tenth more, or 1 MiB."""
    mlx.core.synchronize()
    before = mlx.core.get_active_memory()
    mlx.core.reset_peak_memory()
    array = init(shape, xp=mlx.core, **{"dtype": "float32", **options})
    mlx.core.eval(array)
    mlx.core.synchronize()
    assert array.nbytes <= mlx.core.get_peak_memory() - before <= limit(array.nbytes)


def test_pieces_under_transformations() -> None:
    """What is written in pieces can be compiled, mapped and differentiated around."""
    shape = (1027, 171, 3)
    plain = zero_array.zero_init(shape, xp=mlx.core)
    compiled = mlx.core.compile(lambda: zero_array.zero_init(shape, xp=mlx.core))()
    assert mlx.core.array_equal(compiled, plain)
    scales = mlx.core.array([1.0, -2.0])
    mapped = mlx.core.vmap(lambda scale: scale * zero_array.zero_init(shape, xp=mlx.core))(scales)
    assert mlx.core.array_equal(mapped, scales[:, None, None, None] * plain)
    gradient = mlx.core.grad(lambda scale: (scale * zero_array.zero_init(shape, xp=mlx.core)).sum())
    assert mlx.core.allclose(gradient(scales[0]), plain.sum(), rtol=1e-5)

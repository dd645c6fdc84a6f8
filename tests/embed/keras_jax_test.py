"""Keras on JAX: a layout is honoured, each device making its own part."""

from functools import partial
from typing import Any

import jax
import keras
import numpy
import pytest

from zero_array._host import to_bytes
from zero_array.keras import ZeroInit

PARTS = [(None, "model"), ("batch", None), ("model", "batch"), ("batch", "model")]
each_part = pytest.mark.parametrize("parts", PARTS, ids=str)


DEVICES = [f"cpu:{number}" for number in range(8)]


def device_mesh() -> Any:
    """Four by two devices."""
    return keras.distribution.DeviceMesh((4, 2), ("batch", "model"), DEVICES)


@pytest.mark.parametrize("name", ["dense", "query"])
@each_part
def test_layout_map(name: str, parts: tuple[Any, ...]) -> None:
    """A layer built under a LayoutMap has the windows of the whole on its devices."""
    mesh = device_mesh()
    layouts = keras.distribution.LayoutMap(mesh)
    layouts[".*kernel"] = keras.distribution.TensorLayout((*parts, None) if name == "query" else parts)
    if name == "query":
        layer = keras.layers.EinsumDense("bi,ihd->bhd", (16, 32), kernel_initializer=ZeroInit(0, (1, 2)))
    else:
        layer = keras.layers.Dense(512, kernel_initializer=ZeroInit(), use_bias=False)
    try:
        with keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch").scope():
            layer.build((None, 64))
    finally:
        keras.distribution.set_distribution(None)
    value = layer.kernel.value
    assert value.sharding.is_equivalent_to(layouts[".*kernel"].backend_layout, value.ndim)
    whole = numpy.asarray(layer.kernel_initializer(value.shape))
    assert len(value.addressable_shards) == 8
    for shard in value.addressable_shards:
        assert to_bytes(shard.data) == whole[shard.index].tobytes()
        assert shard.data.size < whole.size


def test_data_parallel() -> None:
    """A layer whose variables are copied to all devices has the whole on each."""
    layer = keras.layers.Dense(30, kernel_initializer=ZeroInit(), use_bias=False)
    try:
        with keras.distribution.DataParallel(devices=DEVICES, auto_shard_dataset=False).scope():
            layer.build((None, 12))
    finally:
        keras.distribution.set_distribution(None)
    whole = to_bytes(layer.kernel_initializer((12, 30)))
    assert [to_bytes(shard.data) for shard in layer.kernel.value.addressable_shards] == [whole] * 8


@each_part
def test_called_with_a_layout(parts: tuple[Any, ...]) -> None:
    """Called by hand, a TensorLayout or a sharding is honoured, without a collective."""
    layout = keras.distribution.TensorLayout(parts, device_mesh())
    init = partial(ZeroInit(), (64, 512), "float32")
    for given in (layout, layout.backend_layout):
        array = init(layout=given)
        assert array.sharding == layout.backend_layout
        assert to_bytes(array) == to_bytes(init())
    compiled = jax.jit(partial(init, layout=layout)).lower().compile()
    assert [word for word in ("all-", "collective", "reduce-scatter") if word in compiled.as_text()] == []
    assert compiled.memory_analysis().output_size_in_bytes == array.addressable_shards[0].data.nbytes

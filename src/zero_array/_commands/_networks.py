"""The weights of two real networks and one of each other kind of layer, and what their bytes must be.

`zero-array check` builds them. Vectors (biases, the scales of norms) are left out: they start as zeros or ones, which
every library has.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .._typing import Shape


class Entry(NamedTuple):
    """One weight of a network: its name, its shape, and the options of `zero_init` that its layer asks for."""

    name: str
    shape: Shape
    options: Mapping[str, Any] = MappingProxyType({})


def resnet50() -> Iterator[Entry]:
    """ResNet-50 for ImageNet (He et al. 2015, table 1), the strides of which do not matter here."""
    yield Entry("stem.conv", (64, 3, 7, 7))
    inputs = 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for block in range(blocks):
            name = f"stage{stage}.{block}"
            yield Entry(f"{name}.conv1", (width, inputs, 1, 1))
            yield Entry(f"{name}.conv2", (width, width, 3, 3))
            yield Entry(f"{name}.conv3", (4 * width, width, 1, 1))
            if block == 0:
                yield Entry(f"{name}.shortcut", (4 * width, inputs, 1, 1))
            inputs = 4 * width
    yield Entry("head", (1000, inputs))


def transformer() -> Iterator[Entry]:
    """A 12-layer decoder of width 768 (the smallest GPT-2), with a head of its own and packed query, key and value."""
    width, vocabulary = 768, 50257
    yield Entry("tokens", (vocabulary, width))
    yield Entry("positions", (1024, width))
    for layer in range(12):
        yield Entry(f"layer{layer}.attention.qkv", (3 * width, width), {"groups": 3})
        yield Entry(f"layer{layer}.attention.out", (width, width))
        yield Entry(f"layer{layer}.mlp.up", (4 * width, width))
        yield Entry(f"layer{layer}.mlp.down", (width, 4 * width))
    yield Entry("head", (vocabulary, width))


def layers() -> Iterator[Entry]:
    """One weight of each kind of layer, layout and option that the two networks do not have."""
    keras = {"in_axis": -2, "out_axis": -1}  # Flax too
    yield Entry("conv1d", (96, 80, 3))
    yield Entry("conv3d", (64, 3, 3, 7, 7))
    yield Entry("conv2d.rectangular", (64, 48, 1, 7))
    yield Entry("conv1d.odd", (513, 259, 3))
    yield Entry("conv2d.even", (96, 3, 4, 4))
    yield Entry("conv2d.even.same", (96, 48, 2, 2), {"center": "same"})
    yield Entry("conv1d.causal", (96, 64, 4), {"center": -1})
    yield Entry("conv2d.taps", (64, 32, 3, 4), {"center": (0, -1)})
    yield Entry("conv2d.paper", (128, 64, 3, 3), {"scale": "paper"})
    yield Entry("grouped", (128, 4, 3, 3), {"groups": 32})
    yield Entry("grouped.odd", (111, 13, 3), {"groups": 3})
    yield Entry("depthwise", (96, 1, 7, 7), {"groups": 96})
    yield Entry("depthwise.multiplier", (192, 1, 3, 3), {"groups": 96})
    yield Entry("depthwise.causal", (256, 1, 4), {"groups": 256, "center": -1})
    yield Entry("transposed.narrow", (128, 64, 2, 2), {"in_axis": 0, "out_axis": 1})
    yield Entry("transposed.widen", (32, 64, 4, 4), {"in_axis": 0, "out_axis": 1, "center": "same"})
    yield Entry("keras.dense", (96, 384), keras)
    yield Entry("keras.conv2d", (3, 3, 64, 128), keras)
    yield Entry("keras.depthwise", (3, 3, 1, 96), {**keras, "groups": 96})
    yield Entry("keras.transposed", (3, 3, 64, 32), {"in_axis": -1, "out_axis": -2})
    yield Entry("mlx.conv2d", (64, 3, 3, 32), {"in_axis": -1})
    yield Entry("lstm", (4 * 96, 64), {"groups": 4})
    yield Entry("dense.paper", (384, 96), {"scale": "paper"})


NETWORKS = {"resnet50": resnet50, "transformer": transformer, "layers": layers}

RECORDED = {
    "float64": {
        "resnet50": "4e92d5619440b00167e8cda9f1d4ea2d101c5f2e0637a5e42c596cd4f74ded30",
        "transformer": "8fd2f18a5be417f40ccc01b2cc4c57e467e8552dacea85df9ff5c48133c41559",
        "layers": "bd18108bd1d565937c19ade0f2d55cf5dede8391f1dc37e757bcbdce36acad9c",
    },
    "float32": {
        "resnet50": "37469e986308cc80df492299272d6d8ade392aec577a9cfcc2c894faa1d57ca5",
        "transformer": "a3af621f06854f9903ca7dbcfa9af6aeb8423b491ea23b75e040ba23eb7c6f5c",
        "layers": "10e7edd84eb57c9a4b82997efcc67cb1d479353818264dbe8546bd8d3bc19ab0",
    },
    "float16": {
        "resnet50": "1d176fbbf8f3f230c3062ec301adbc881769d39ab94a6223c98a17df90bddd57",
        "transformer": "eee1901d8f92c9783b99da7330735f3a1a6d50b6cd21d344ccc64ba268953c2a",
        "layers": "7feb52acb9332fecbe6f6d3084a86b37bed01c9475e502290541be5c7dda76ea",
    },
    "bfloat16": {
        "resnet50": "5f9f645e412d3cebbd4826d85c1b793ec5d0d26fc625382fd95719bfa15a9f8e",
        "transformer": "84fb90f2ed8f3f2abe50c92c6c745a2c018308bc029cb7eb7c8c67b9ddfd6e13",
        "layers": "cac0c528b6b937a8a7d1c7e81c5fb0018e75cc7f2eedcf697b43021ebdc30c11",
    },
}
"""SHA-256 over the little-endian C-order bytes of all weights of a network, in order, for `DEFINITION` 1.

Those of the layers are what `tests/reference.py` makes of them."""

"""The weights of two real networks, and what their bytes must be.

`zero-array check` builds them. Vectors (biases, the scales of norms) are left out: they start as zeros or ones, which
every library has.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ._typing import Shape


class Entry(NamedTuple):
    """One weight of a network: its name, shape, and the groups it is made of."""

    name: str
    shape: Shape
    groups: int = 1


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
        yield Entry(f"layer{layer}.attention.qkv", (3 * width, width), groups=3)
        yield Entry(f"layer{layer}.attention.out", (width, width))
        yield Entry(f"layer{layer}.mlp.up", (4 * width, width))
        yield Entry(f"layer{layer}.mlp.down", (width, 4 * width))
    yield Entry("head", (vocabulary, width))


NETWORKS = {"resnet50": resnet50, "transformer": transformer}

RECORDED = {
    "float64": {
        "resnet50": "4e92d5619440b00167e8cda9f1d4ea2d101c5f2e0637a5e42c596cd4f74ded30",
        "transformer": "8fd2f18a5be417f40ccc01b2cc4c57e467e8552dacea85df9ff5c48133c41559",
    },
    "float32": {
        "resnet50": "37469e986308cc80df492299272d6d8ade392aec577a9cfcc2c894faa1d57ca5",
        "transformer": "a3af621f06854f9903ca7dbcfa9af6aeb8423b491ea23b75e040ba23eb7c6f5c",
    },
    "float16": {
        "resnet50": "1d176fbbf8f3f230c3062ec301adbc881769d39ab94a6223c98a17df90bddd57",
        "transformer": "eee1901d8f92c9783b99da7330735f3a1a6d50b6cd21d344ccc64ba268953c2a",
    },
    "bfloat16": {
        "resnet50": "5f9f645e412d3cebbd4826d85c1b793ec5d0d26fc625382fd95719bfa15a9f8e",
        "transformer": "84fb90f2ed8f3f2abe50c92c6c745a2c018308bc029cb7eb7c8c67b9ddfd6e13",
    },
}
"""SHA-256 over the little-endian C-order bytes of all weights of a network, in order, for `DEFINITION` 1."""

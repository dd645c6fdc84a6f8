"""The golden cases: one list, read by the reference and by the tests of every backend."""

import json
from pathlib import Path
from typing import Any, NamedTuple

GOLDEN = Path(__file__).with_name("golden.json")
"""The file of digests, which the reference writes."""


def recorded() -> dict[str, dict[str, str]]:
    """The digests in it, by case and dtype."""
    found: dict[str, dict[str, str]] = json.loads(GOLDEN.read_text(encoding="ascii"))["digests"]
    return found


class Case(NamedTuple):
    """One call: which constructor, of which shape, with which options."""

    id: str
    function: str
    shape: tuple[int, ...]
    options: dict[str, Any]

    def build(self, **options: Any) -> Any:
        """The array of it, by the package, which the reference does not import."""
        import zero_array

        if self.function == "signs":
            return zero_array.hadamard(self.shape[0], **self.options, **options)
        return getattr(zero_array, f"{self.function}_init")(self.shape, **self.options, **options)

    @property
    def built(self) -> tuple[int, ...]:
        """The shape of that array."""
        window = self.options.get("window")
        return tuple(stop - start for start, stop in window) if window else self.shape


def bits(array: Any) -> Any:
    """The bits of an array of any backend, as unsigned integers of NumPy."""
    import numpy

    from zero_array._host import to_bytes

    data = to_bytes(array)
    size = len(data) // max(1, int(numpy.prod(array.shape)))
    return numpy.frombuffer(data, dtype=f"u{size}").reshape(array.shape)


def _case(id: str, function: str, *shape: int, **options: Any) -> Case:
    return Case(id, function, shape, options)


MATRICES = [
    _case("one", "zero", 1, 1),
    _case("one-hadamard", "hadamard", 1, 1),
    _case("one-paper", "hadamard", 1, 1, scale="paper"),
    _case("row", "zero", 1, 7),
    _case("row-hadamard", "hadamard", 1, 7),
    _case("row-long", "identity", 1, 1000),
    _case("column", "zero", 7, 1),
    _case("column-two", "zero", 2, 1),
    _case("column-long", "zero", 1000, 1),
    _case("column-identity", "identity", 1000, 1),
    _case("square", "zero", 64, 64),
    _case("square-hadamard", "hadamard", 64, 64),
    _case("square-odd", "identity", 37, 37),
    _case("square-odd-hadamard", "hadamard", 37, 37),
    _case("narrow", "zero", 10, 256),
    _case("narrow-power", "zero", 64, 256),
    _case("narrow-odd", "zero", 30, 41),
    _case("widen", "zero", 256, 64),
    _case("widen-odd-m", "zero", 128, 32),
    _case("widen-odd-m-paper", "zero", 128, 32, scale="paper"),
    _case("widen-even-m-paper", "zero", 256, 32, scale="paper"),
    _case("widen-little", "zero", 83, 82),
    _case("widen-little-paper", "zero", 83, 82, scale="paper"),
    _case("widen-three", "zero", 3, 2),
    _case("widen-identity", "identity", 83, 82),
    _case("small-list", "hadamard", 32, 16),
    _case("small-list-plus-one", "hadamard", 27, 19),
    _case("mnist", "zero", 784, 784),
    _case("mnist-widen", "zero", 1000, 784),
    _case("mnist-widen-paper", "zero", 1000, 784, scale="paper"),
    _case("transformer-down", "zero", 192, 768),
    _case("transformer-up", "zero", 768, 192),
    _case("vocabulary", "zero", 2025, 96),
    _case("hadamard-wide", "hadamard", 48, 200),
    _case("hadamard-wide-power", "hadamard", 16, 512),
    _case("hadamard-flat", "hadamard", 3, 300),
    _case("hadamard-narrow", "hadamard", 600, 3),
    _case("hadamard-paper", "hadamard", 48, 200, scale="paper"),
    _case("in-out", "zero", 64, 256, in_axis=0, out_axis=1),
    _case("in-out-odd", "zero", 41, 90, in_axis=-2, out_axis=-1),
    _case("in-out-identity", "identity", 96, 64, in_axis=0, out_axis=1),
]

CONVOLUTIONS = [
    _case("conv1d", "zero", 16, 8, 3),
    _case("conv2d", "zero", 64, 32, 3, 3),
    _case("conv2d-identity", "identity", 64, 64, 3, 3),
    _case("conv2d-narrow", "zero", 12, 40, 3, 3),
    _case("conv2d-odd", "zero", 27, 13, 3, 3),
    _case("conv2d-stem", "zero", 64, 3, 7, 7),
    _case("conv2d-pointwise", "zero", 128, 64, 1, 1),
    _case("conv3d", "zero", 16, 8, 3, 3, 3),
    _case("conv3d-patch", "zero", 48, 3, 2, 4, 4, scale="paper"),
    _case("conv-rectangular", "zero", 33, 16, 1, 5),
    _case("conv-even", "zero", 32, 16, 4, 4),
    _case("conv-even-same", "zero", 32, 16, 4, 4, center="same"),
    _case("conv-rectangular-same", "identity", 9, 9, 2, 5, center="same"),
    _case("conv-one-tap", "zero", 16, 8, 4, center=0),
    _case("conv-last-tap", "zero", 16, 8, 4, center=-1),
    _case("conv-mixed-taps", "zero", 32, 32, 3, 4, center=(-1, 0)),
    _case("conv-hadamard", "hadamard", 8, 40, 3),
    _case("keras-conv2d", "zero", 3, 3, 32, 64, in_axis=-2, out_axis=-1),
    _case("keras-conv2d-narrow", "zero", 3, 3, 64, 32, in_axis=-2, out_axis=-1),
    _case("keras-conv1d-even", "zero", 4, 7, 30, in_axis=-2, out_axis=-1, center="same"),
    _case("keras-transpose", "zero", 2, 3, 64, 32, in_axis=-1, out_axis=-2),
    _case("keras-transpose-narrow", "zero", 2, 3, 7, 45, in_axis=-1, out_axis=-2),
    _case("between", "zero", 32, 3, 64, in_axis=0, out_axis=2),
    _case("between-identity", "identity", 64, 3, 48, in_axis=0, out_axis=2),
    _case("between-odd", "hadamard", 21, 2, 35, in_axis=0, out_axis=2, scale="paper"),
    _case("mlx-conv2d", "zero", 64, 3, 3, 32, in_axis=-1),
    _case("everywhere", "zero", 2, 64, 3, 32, 2, in_axis=3, out_axis=1, center=(1, 0, 1)),
    _case("everywhere-identity", "identity", 2, 64, 3, 32, 2, in_axis=1, out_axis=3, center="same"),
    _case("everywhere-odd", "zero", 2, 19, 3, 11, 2, in_axis=3, out_axis=1),
]

GROUPS = [
    _case("groups-two", "zero", 128, 32, groups=2),
    _case("groups-three", "zero", 96, 16, groups=3),
    _case("groups-three-odd", "zero", 81, 13, 3, groups=3),
    _case("groups-conv", "zero", 64, 16, 3, 3, groups=2),
    _case("groups-in-out", "zero", 32, 128, in_axis=0, out_axis=1, groups=2),
    _case("groups-in-out-odd", "zero", 17, 90, in_axis=0, out_axis=1, groups=3),
    _case("groups-in-out-identity", "identity", 64, 192, in_axis=0, out_axis=1, groups=3),
    _case("depthwise", "zero", 33, 1, 3, 3, groups=33),
    _case("depthwise-long", "zero", 96, 1, 7, 7, groups=96),
    _case("depthwise-multiplier", "zero", 66, 1, 3, 3, groups=33),
    _case("depthwise-keras", "zero", 3, 3, 1, 66, in_axis=-2, out_axis=-1, groups=22, scale="paper"),
    _case("qkv", "zero", 192, 64, groups=3),
    _case("qkv-odd", "zero", 3 * 50, 50, groups=3),
    _case("lstm", "zero", 4 * 48, 20, groups=4),
    _case("lstm-keras", "zero", 20, 4 * 48, in_axis=0, out_axis=1, groups=4),
]

WINDOWS = [
    _case("window-aligned", "zero", 512, 256, window=((128, 384), (64, 192))),
    _case("window-inside", "zero", 300, 200, window=((37, 291), (11, 158))),
    _case("window-rows", "zero", 512, 64, window=((77, 333), (0, 64))),
    _case("window-identity-rows", "zero", 128, 512, window=((33, 127), (0, 256))),
    _case("window-identity-inside", "identity", 90, 80, window=((20, 77), (30, 71))),
    _case("window-off-diagonal", "identity", 128, 128, window=((0, 40), (64, 128))),
    _case("window-row", "hadamard", 300, 700, window=((213, 214), (0, 700))),
    _case("window-column", "hadamard", 700, 300, window=((0, 700), (213, 214))),
    _case("window-entry", "hadamard", 300, 200, window=((219, 220), (155, 156))),
    _case("window-group-boundary", "zero", 120, 20, groups=3, window=((35, 90), (3, 18))),
    _case("window-group-boundary-runs", "zero", 384, 64, groups=3, window=((100, 333), (0, 64))),
    _case("window-group-inside", "zero", 120, 20, groups=3, window=((45, 75), (0, 20))),
    _case("window-group-columns", "zero", 20, 120, in_axis=0, out_axis=1, groups=3, window=((2, 19), (35, 90))),
    _case("window-missing-tap", "zero", 16, 8, 3, 3, window=((0, 16), (0, 8), (0, 1), (0, 3))),
    _case("window-only-tap", "zero", 64, 32, 3, 3, window=((0, 64), (0, 32), (1, 2), (1, 2))),
    _case("window-some-taps", "zero", 64, 32, 3, 3, window=((5, 64), (8, 24), (1, 3), (0, 2))),
    _case("window-keras", "zero", 3, 3, 32, 64, in_axis=2, out_axis=3, window=((1, 3), (0, 2), (3, 31), (16, 64))),
    _case("pieces-few-rows", "hadamard", 300, 1801),
    _case("pieces-kernel", "zero", 1027, 171, 3),
    _case("pieces-groups", "zero", 1230, 450, groups=3),
    _case("window-empty", "zero", 8, 4, window=((3, 3), (0, 4))),
    _case("window-empty-tap", "zero", 8, 4, 3, window=((0, 8), (0, 4), (2, 2))),
]

EXACT = [
    _case("exact-12", "hadamard", 12, 12, order="exact"),
    _case("exact-28", "zero", 28, 9, order="exact"),
    _case("exact-36-paper", "zero", 36, 11, order="exact", scale="paper"),
    _case("exact-100", "zero", 100, 30, order="exact"),
    _case("exact-104-wide", "hadamard", 40, 104, order="exact"),
    _case("exact-power", "zero", 128, 32, order="exact"),
    _case("exact-narrow", "zero", 9, 13, order="exact"),
    _case("exact-576", "zero", 576, 96, order="exact"),
    _case("exact-in-out", "zero", 20, 60, order="exact", in_axis=0, out_axis=1),
    _case("exact-conv", "zero", 24, 8, 3, 3, order="exact"),
    _case("exact-groups", "zero", 72, 10, 3, order="exact", groups=3),
    _case("exact-window", "zero", 1152, 384, order="exact", window=((500, 700), (37, 190))),
    _case("exact-pieces", "zero", 768, 700, order="exact"),
    _case("auto-exact", "zero", 84, 20, order="auto"),
    _case("auto-padded", "zero", 83, 82, order="auto"),
]

DISTINCT = [
    _case("distinct-one", "hadamard", 1, 1, columns="distinct"),
    _case("distinct-two", "zero", 2, 1, columns="distinct"),
    _case("distinct-256", "zero", 256, 16, columns="distinct"),
    _case("distinct-few", "zero", 256, 5, columns="distinct"),
    _case("distinct-odd", "zero", 83, 82, columns="distinct", scale="paper"),
    _case("distinct-square", "hadamard", 64, 64, columns="distinct"),
    _case("distinct-wide", "hadamard", 37, 200, columns="distinct"),
    _case("distinct-narrow", "zero", 30, 41, columns="distinct"),
    _case("distinct-in-out", "zero", 96, 400, columns="distinct", in_axis=0, out_axis=1),
    _case("distinct-conv", "zero", 64, 8, 3, 3, columns="distinct"),
    _case("distinct-keras", "zero", 3, 3, 8, 33, columns="distinct", in_axis=-2, out_axis=-1),
    _case("distinct-groups", "zero", 192, 20, columns="distinct", groups=3),
    _case("distinct-groups-window", "zero", 192, 20, columns="distinct", groups=3, window=((50, 170), (3, 17))),
    _case("distinct-window", "zero", 4096, 300, columns="distinct", window=((3000, 3100), (40, 300))),
    _case("distinct-pieces", "zero", 1037, 531, columns="distinct"),
    _case("distinct-pieces-in-out", "zero", 531, 1037, columns="distinct", in_axis=0, out_axis=1),
    _case("exact-distinct", "zero", 96, 24, order="exact", columns="distinct"),
    _case("exact-distinct-60", "zero", 60, 15, order="exact", columns="distinct"),
    _case("exact-distinct-576", "zero", 576, 36, order="exact", columns="distinct"),
    _case("exact-distinct-conv", "zero", 2, 12, 40, order="exact", columns="distinct", in_axis=1, out_axis=2),
]

CASES = [*MATRICES, *CONVOLUTIONS, *GROUPS, *WINDOWS, *EXACT, *DISTINCT]

SIGNS = [
    *(_case(f"signs-{n}", "signs", n, n) for n in (1, 2, 4, 12, 20, 28, 36, 48, 52, 64, 76, 100, 104, 240, 344)),
    _case("signs-window", "signs", 1152, 1152, window=((1000, 1100), (3, 64))),
    _case("signs-window-row", "signs", 8960, 8960, window=((8959, 8960), (0, 8960))),
    _case("signs-window-column", "signs", 768, 768, window=((0, 768), (211, 212))),
    _case("signs-window-empty", "signs", 12, 12, window=((3, 12), (5, 5))),
    *(_case(f"signs-{name}-{n}", "signs", n, n, ordering=name) for name in ("dyadic", "sequency") for n in (1, 2, 64)),
    _case("signs-sequency-window", "signs", 512, 512, ordering="sequency", window=((100, 200), (300, 512))),
]
"""The matrices of plus and minus ones, which may have integers for entries."""

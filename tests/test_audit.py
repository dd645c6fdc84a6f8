"""Broken starts that weights alone show, each found with its remedy; and sound ones, in which no error is found."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import ml_dtypes
import numpy
import pytest

from zero_array import audit, hadamard_init, identity_init, zero_init
from zero_array.audits import Facts, Report


def normal(*shape: int, seed: int = 0) -> Any:
    """A random start of the usual scale, float32."""
    found = numpy.random.default_rng(seed).standard_normal(shape, "float32")
    return found / numpy.float32(sqrt(numpy.prod(shape[1:])))


def step(rows: int, columns: int, size: float = 1e-4) -> Any:
    """Rows that differ by less than a step of bfloat16, or by few."""
    return 1 + numpy.float32(size) * normal(rows, columns)


def with_nan() -> Any:
    """A weight with one value that is none, and one that is infinite."""
    found = normal(4, 3, 2)
    found[2, 1, 1], found[3, 0, 0] = numpy.nan, numpy.inf
    return found


def pruned() -> Any:
    """A weight of which two outputs and one input are zero."""
    found = normal(8, 6)
    found[[2, 5]] = found[:, 3] = 0
    return found


def twins(noise: float = 0) -> Any:
    """A weight whose second half repeats the first, up to some noise."""
    half = normal(16, 8)
    return numpy.concatenate([half, half + numpy.float32(noise) * normal(16, 8, seed=1)])


GALLERY: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, str, str]] = {
    "not finite": ({"w": with_nan()}, {}, "error", "not finite", "1 NaN and 1 infinite", "start this parameter again"),
    "a bias not finite": ({"b": numpy.asarray([1, numpy.inf])}, {}, "error", "not finite", "entry 1", "start this"),
    "ZerO that is zeros": (
        {"up": numpy.zeros((8, 4)), "down": numpy.zeros((4, 8))},
        {},
        "error",
        "all constant",
        "each of the 2 matrices",
        "ZerO is not zeros",
    ),
    "zeros": ({"w": numpy.zeros((4, 8)), "v": normal(8, 4)}, {}, "note", "zeros", "all values are zero", "in series"),
    "constant": ({"w": numpy.full((8, 4), 0.1)}, {}, "warning", "constant", "0.1", "zero_array.zero_init((8, 4))"),
    "depthwise constants": (
        {"w": zero_init((64, 1, 3, 3))},
        {},
        "warning",
        "constant channels",
        "0.125",
        "zero_init((64, 1, 3, 3), groups=64), the identity",
    ),
    "depthwise constants, all taps": (
        {"w": numpy.full((3, 3, 1, 64), 0.125)},
        {"layout": (-1, -2)},
        "warning",
        "constant",
        "0.125",
        "out_axis=3, in_axis=2, groups=64",
    ),
    "query, key and value packed": (
        {"w": zero_init((192, 64))},
        {},
        "warning",
        "twin rows",
        "output 64 equals output 0, and so on in 3 equal blocks of 64",
        "groups=3",
    ),
    "query, key and value apart": (
        {"q": normal(8, 8), "k": normal(8, 8), "v": normal(8, 8), "o": normal(8, 8, seed=2)},
        {},
        "warning",
        "equal parameters",
        "equal to k, v",
        "start apart",
    ),
    "twins of ZerO": (
        {"w": zero_init((64, 8))},
        {},
        "warning",
        "twin rows",
        "8 of 64 outputs are different",
        'columns="distinct"',
    ),
    "twins": ({"w": twins()}, {}, "warning", "twin rows", "in 2 equal blocks of 16", "start them apart"),
    "near twins": ({"w": twins(1e-6)}, {"tolerance": 1e-5}, "warning", "near twins", "16 of 32", "start them apart"),
    "rounded by bfloat16": (
        {"w": step(32, 4, 8e-3).astype(ml_dtypes.bfloat16)},
        {},
        "warning",
        "twin rows",
        "of 32 outputs are different",
        "rounded to bfloat16",
    ),
    "to be rounded to bfloat16": (
        {"w": step(32, 4)},
        {},
        "warning",
        "dtype loss",
        "when rounded to bfloat16",
        "float32 master",
    ),
    "to be rounded to float16": (
        {"w": step(32, 4)},
        {"dtype": "float16"},
        "warning",
        "dtype loss",
        "when rounded to float16",
        "step of float16",
    ),
    "an identity that widens": (
        {"w": identity_init((64, 16))},
        {},
        "warning",
        "dead outputs",
        "48 of 64 outputs are zero",
        "zero_init((64, 16)), which is a Hadamard",
    ),
    "dead channels": (
        {"w": pruned()},
        {},
        "warning",
        "dead outputs",
        "2 of 8 outputs are zero, the first is 2",
        "ReLU",
    ),
    "unread inputs": ({"w": pruned()}, {}, "note", "unread inputs", "1 of 6 inputs are not read", "pruned"),
    "axes swapped, a matrix": (
        {"w": zero_init((16, 64), in_axis=0, out_axis=1)},
        {},
        "warning",
        "wrong axes",
        "narrows 64 -> 16",
        "zero_array.zero_init((16, 64)",
    ),
    "axes swapped, a kernel": (
        {"w": zero_init((3, 3, 16, 64))},
        {"layout": (-1, -2)},
        "warning",
        "wrong axes",
        "it is identity with out_axis=0, in_axis=1",
        "zero_init((3, 3, 16, 64), out_axis=3, in_axis=2)",
    ),
    "a shift by an even kernel": ({"w": zero_init((8, 8, 4, 4))}, {}, "warning", "even kernel", "tap (2, 2)", '"same"'),
    "off by the square root of two": (
        {"w": hadamard_init((64, 16)) / sqrt(2)},
        {},
        "warning",
        "scale",
        "0.7071 times the orthonormal 0.125",
        "'paper'",
    ),
    "without a scale": ({"w": numpy.sign(hadamard_init((64, 16)))}, {}, "warning", "scale", "8 times", "hadamard_init"),
    "an identity times something": (
        {"w": identity_init((8, 8)) / 2},
        {},
        "note",
        "scale",
        "times 0.5",
        "identity_init",
    ),
    "two scales": (
        {"a": zero_init((64, 16), scale="paper"), "b": zero_init((32, 16))},
        {},
        "warning",
        "two scales",
        "1 Hadamard weights are orthonormal, 1 larger",
        "the same `scale`",
    ),
    "no isometry": ({"w": zero_init((100, 78))}, {}, "note", "no isometry", "of order 128", 'order="exact"'),
    "no isometry of a kernel": ({"w": zero_init((100, 78, 3))}, {}, "note", "no isometry", "from 0.5", 'order="exact"'),
    "all near": ({"w": step(8, 4)}, {"tolerance": 0.5}, "warning", "near twins", "7 of 8 outputs", "start them apart"),
    "low rank": ({"w": normal(64, 4) @ normal(4, 64)}, {}, "note", "rank", "rank 4", "start it again"),
    "twin columns": ({"w": twins().T.copy()}, {}, "note", "twin columns", "16 of 32 inputs", "differs"),
    "rounded already": (
        {"w": normal(8, 8).astype(ml_dtypes.bfloat16).astype("float32")},
        {},
        "note",
        "rounded",
        "all values of this matrix",
        "half",
    ),
    "no floats": ({"w": numpy.ones((2, 2), "complex64")}, {}, "note", "not read", "complex64", "made from"),
}


@pytest.mark.parametrize(
    ("weights", "options", "severity", "what", "evidence", "remedy"), GALLERY.values(), ids=GALLERY
)
def test_gallery(
    weights: dict[str, Any], options: dict[str, Any], severity: str, what: str, evidence: str, remedy: str
) -> None:
    """Each broken start is found on its first parameter, with what shows it and what to do."""
    (found,) = audit(weights, **options).filter(next(iter(weights)), what=what)
    assert found.severity == severity
    assert evidence in found.evidence
    assert remedy in found.remedy


SOUND: dict[str, tuple[Any, dict[str, Any]]] = {
    "identity": (zero_init((8, 8)), {}),
    "depthwise": (zero_init((64, 1, 3, 3), groups=64), {}),
    "grouped": (zero_init((32, 8, 3, 3), groups=4), {}),
    "many groups": (zero_init((130, 2, 3), groups=65), {}),
    "distinct": (hadamard_init((64, 16), columns="distinct"), {}),
    "exact": (hadamard_init((12, 8), order="exact", columns="distinct"), {}),
    "even kernel, same": (zero_init((8, 8, 4, 4), center="same"), {}),
    "random": (normal(64, 32), {}),
    "random, half": (normal(64, 32).astype("float16"), {}),
    "random, one input": (normal(64, 1), {}),
    "random, depthwise": (normal(64, 1, 3, 3), {}),
    "Keras": (normal(3, 3, 16, 32), {"layout": {"*": (-1, -2)}}),
    "bias": (numpy.zeros(8), {}),
    "scalar": (numpy.asarray(1.0), {}),
    "empty": (numpy.zeros((0, 4)), {}),
    "counter": (numpy.asarray(3), {}),
    "no rounding": (step(32, 4), {"dtype": None}),
    "signs": (numpy.sign(normal(8, 6, 3)), {}),
    "no matrix": (numpy.tile(numpy.log(numpy.arange(1.0, 5.0)), (8, 1)), {"layout": {"w": None}}),
}


@pytest.mark.parametrize(("weight", "options"), SOUND.values(), ids=SOUND)
def test_nothing_is_found_in_sound_weights(weight: Any, options: dict[str, Any]) -> None:
    """A sound weight has no finding at all."""
    assert audit({"w": weight}, **options).findings == ()


FILLS: list[tuple[Any, str]] = [
    (identity_init((4, 6)), "partial identity"),
    (zero_init((64, 1, 3, 3), groups=64), "identity, groups=64"),
    (zero_init((24, 4), groups=3, scale="paper"), "hadamard, scale='paper', groups=3"),
    (
        hadamard_init((24, 8), order="exact", columns="distinct"),
        "hadamard, scale='orthonormal', order='exact', columns='distinct'",
    ),
    (hadamard_init((12, 5), dtype="bfloat16"), "hadamard, scale='orthonormal'"),
    (numpy.linalg.qr(normal(16, 16))[0], "orthogonal"),
    (3 * numpy.linalg.qr(normal(16, 16))[0], "orthogonal, times 3"),
    (numpy.eye(4)[[1, 0, 2, 3]], "orthogonal"),
    (numpy.zeros((4, 4)), "zeros"),
    (numpy.full(3, 2.0), "constant 2"),
    (normal(4, 4), ""),
    (numpy.arange(3.0), ""),
]


@pytest.mark.parametrize(("weight", "fill"), FILLS, ids=[str(number) for number in range(len(FILLS))])
def test_fills_are_recognised(weight: Any, fill: str) -> None:
    """The facts name what a weight is, with the options by which it was made."""
    (facts,) = audit({"w": weight}).weights
    assert facts.fill == fill


@pytest.mark.parametrize(
    "weight",
    [
        normal(40, 24),
        normal(24, 40),
        normal(6, 5, 3, 3),
        normal(40, 2, 3),
        zero_init((100, 78)),
        zero_init((64, 16)),
        identity_init((6, 4)),
        identity_init((12, 4), groups=3),
        numpy.full((3, 5), -2.0),
        numpy.full((1, 5), -2.0),
        numpy.zeros((3, 7)),
    ],
    ids=lambda weight: str(weight.shape),
)
def test_facts_agree_with_numpy(weight: Any) -> None:
    """Singular values, rank and different rows and columns are what NumPy finds by other ways."""
    (facts,) = audit({"w": weight}).weights
    matrix = numpy.asarray(weight, "float64").reshape(len(weight), -1)
    values = numpy.linalg.svd(matrix, compute_uv=False)
    assert facts.singular == pytest.approx((values[-1], values[0]), abs=1e-6)
    assert facts.distance == pytest.approx(max(abs(values - 1)), abs=1e-6)
    assert facts.rank == numpy.linalg.matrix_rank(matrix, tol=1e-6 * max(values[0], 1e-300))
    columns = numpy.moveaxis(weight, 1, 0).reshape(weight.shape[1], -1)
    assert facts.distinct == tuple(len(numpy.unique(lines, axis=0)) for lines in (matrix, columns))


def test_large_weights_are_sampled() -> None:
    """The singular values of a large weight are those of some lines, lie within those of the whole, and say so."""
    weight = normal(700, 600)
    (facts,) = audit({"w": weight}).weights
    values = numpy.linalg.svd(weight, compute_uv=False)
    assert facts.sampled == facts.rank == 256
    assert facts.singular is not None
    assert values[-1] <= facts.singular[0] < facts.singular[1] <= values[0]
    assert len(facts.spectrum) == 64


def test_facts_without_singular_values() -> None:
    """What is no matrix, or was not read, has no singular values and no distance."""
    assert Facts("b", (3,), "float32").distance is None


@pytest.mark.parametrize("budget", [1, 5, 64])
@pytest.mark.parametrize("shape", [(12, 8), (3, 2, 8, 12), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("layout", [(0, 1), (-1, -2)], ids=str)
def test_windows_change_nothing(
    monkeypatch: pytest.MonkeyPatch, budget: int, shape: tuple[int, ...], layout: tuple[int, int]
) -> None:
    """The size of the windows that are read changes no finding and no fact."""
    bad = numpy.where(normal(*shape) > 0, numpy.inf, numpy.nan)
    weights = {"random": normal(*shape), "bad": bad, "zero": zero_init(shape, out_axis=layout[0], in_axis=layout[1])}
    whole = audit(weights, layout=layout, tolerance=1e-6)
    monkeypatch.setattr("zero_array._auditing._windows.BUDGET", budget)
    monkeypatch.setattr("zero_array._auditing._windows.Matrix.pieces.__defaults__", (budget,))
    assert str(audit(weights, layout=layout, tolerance=1e-6)) == str(whole)


def test_minus_zero_is_zero() -> None:
    """Rows are equal whatever the sign of their zeros."""
    (found,) = audit({"w": numpy.asarray([[0.0, 1.0, 2.0], [-0.0, 1.0, 2.0], [3, 4, 5]])}).filter(what="twin rows")
    assert "2 of 3 outputs are different; output 1 equals output 0" in found.evidence


def test_twins_of_long_rows_differ_late() -> None:
    """Rows that begin alike and differ at the end are no twins; those that do not are."""
    weight = numpy.ones((4, 300), "float32")
    weight[:3, -1] = 0, 1, 0
    weight[3, 0] = 5
    (facts,) = audit({"w": weight}).weights
    assert facts.distinct == (3, 3)
    assert facts.twins == (0.0, 0.0, 1.0, 0.0)


def test_tied_weights_are_no_copies() -> None:
    """Two names of one array are no finding; two arrays with one content are a note."""
    weight = normal(8, 8)
    assert audit({"a": weight, "b": weight}).findings == ()
    assert audit({"a": weight, "b": weight.copy()}).worst == "note"
    assert audit({"a": weight, "b": weight + (numpy.arange(8) > 6)}).findings == ()
    assert audit({"a": weight, **{name: weight.copy() for name in "bcde"}}).worst == "warning"


def test_names_of_nested_mappings_are_joined() -> None:
    """Mappings in mappings, as JAX's libraries have them, are read too."""
    report = audit({"dense": {"kernel": normal(4, 4), "bias": numpy.zeros(4)}})
    assert [facts.parameter for facts in report.weights] == ["dense.kernel", "dense.bias"]


class OnMeta:
    """An array without values."""

    shape, dtype, is_meta = (2, 2), "float32", True


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: audit([1]), TypeError, "or be the path of a file of them; got list: pass"),  # type: ignore[arg-type]
        (lambda: audit({"w": 3}), TypeError, "`weights` must map names to arrays; got int for 'w'"),
        (lambda: audit({"w": OnMeta()}), ValueError, "got 'w' on the meta device: materialize the model first"),
        (lambda: audit({"w": normal(2, 2)}, layout=3), TypeError, "`layout` must be (out_axis, in_axis), or"),
        (lambda: audit({"w": normal(2, 2)}, layout=(0, 2)), ValueError, "got (0, 2) for 'w' of shape (2, 2)"),
        (lambda: audit({"w": normal(2, 2)}, layout=(1, -1)), ValueError, "`layout` must be two different axes"),
        (lambda: audit({}, tolerance="1"), TypeError, "`tolerance` must be a number from 0 to 1; got '1'"),  # type: ignore[arg-type]
        (lambda: audit({}, tolerance=-1), ValueError, "`tolerance` must be a number from 0 to 1; got -1"),
        (lambda: audit({}, dtype="int8"), ValueError, "`dtype` must be 'bfloat16' or 'float16'; got 'int8'"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_refusals(call: Callable[[], Report], error: type[Exception], message: str) -> None:
    """A wrong argument is refused in one sentence."""
    with pytest.raises(error) as refusal:
        call()
    assert message in str(refusal.value)


def resnet50() -> dict[str, tuple[int, ...]]:
    """The shapes of the stem, of two blocks of each stage, and of the head."""
    shapes: dict[str, tuple[int, ...]] = {"conv1": (64, 3, 7, 7), "fc": (1000, 2048)}
    for stage, width in enumerate((64, 128)):
        shapes |= {
            f"{stage}.down": (4 * width, max(64, 2 * width), 1, 1),
            f"{stage}.0": (width, max(64, 2 * width), 1, 1),
        }
        shapes |= {f"{stage}.1": (width, 4 * width, 1, 1), f"{stage}.2": (width, width, 3, 3)}
        shapes |= {f"{stage}.3": (4 * width, width, 1, 1), f"{stage}.norm": (width,)}
    return shapes


NETWORKS: dict[str, dict[str, tuple[int, ...]]] = {
    "resnet50": resnet50(),
    "vit": {
        "class_token": (1, 1, 768),
        "conv_proj": (192, 3, 16, 16),
        "pos": (1, 197, 768),
        "in_proj": (576, 192),
        "mlp": (768, 192),
    },
    "gpt2": {"wte": (5025, 192), "wpe": (1024, 192), "c_attn": (192, 576), "c_proj": (192, 192), "c_fc": (192, 768)},
    "llama": {
        "embed": (3200, 256),
        "q": (256, 256),
        "k": (64, 256),
        "gate": (688, 256),
        "down": (256, 688),
        "v": (600, 700),
    },
}


@pytest.mark.parametrize("shapes", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_random_starts_are_sound(shapes: dict[str, tuple[int, ...]], name: str) -> None:
    """A random start with zero biases, one norms and a zero token has no error and no warning."""
    kind = getattr(ml_dtypes, name, name)
    weights = {key: normal(*shape, seed=seed).astype(kind) for seed, (key, shape) in enumerate(shapes.items())}
    weights |= {"norm": numpy.ones(8, kind), "bias": numpy.zeros(8, kind), "token": numpy.zeros((1, 1, 768), kind)}
    assert audit(weights).worst in (None, "note")


class Lazy:
    """An array that must be computed, and another that has a gradient."""

    shape, dtype = (2, 2), "float32"

    def __getitem__(self, window: Any) -> "Lazy":
        return self

    def compute(self) -> "Lazy":
        """Compute it."""
        return self

    def detach(self) -> Any:
        """Leave the gradient."""
        return normal(2, 2)


def test_lazy_arrays_and_those_with_gradients_are_read() -> None:
    """An array is computed, and freed of its gradient, window by window."""
    assert audit({"w": Lazy()}).weights == audit({"w": normal(2, 2)}).weights

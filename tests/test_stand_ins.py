"""What is done for other libraries, by stand-ins for them that NumPy runs; their own sessions test the real ones."""

import sys
from collections.abc import Iterator
from itertools import product
from types import ModuleType, SimpleNamespace
from typing import Any

import array_api_compat as compat
import numpy
import pytest
import reference
from cases import CASES, Case

import zero_array
from zero_array import _build, _namespace, _products
from zero_array._target import Target
from zero_array._weight import weight


def module(name: str, **members: Any) -> ModuleType:
    """A module of any name, with these members."""
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


def numpy_called(name: str, **members: Any) -> ModuleType:
    """NumPy by another name, with other members."""
    return module(name, **{key: value for key, value in vars(numpy).items() if not key.startswith("__")} | members)


@pytest.mark.parametrize("name", ["numpy", "torch", "cupy", "dask.array"])
def test_known_libraries_are_wrapped(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries that array-api-compat wraps are used wrapped, found by name without making an array."""
    parent, wrapped = compat, compat
    for part in name.split("."):
        parent, wrapped = wrapped, module(f"{wrapped.__name__}.{part}")
        monkeypatch.setitem(sys.modules, wrapped.__name__, wrapped)
        monkeypatch.setattr(parent, part, wrapped, raising=False)
    assert _namespace.namespace(module(name)) is wrapped


def test_namespace_within_cubed(monkeypatch: pytest.MonkeyPatch) -> None:
    """cubed's own array namespace has no `map_blocks`: the package is taken."""
    monkeypatch.setitem(sys.modules, "cubed", module("cubed"))
    assert _namespace.namespace(module("cubed.array_api")) is sys.modules["cubed"]


def test_unknown_libraries_are_used_as_they_are() -> None:
    """A namespace that conforms to the standard needs no wrapper."""
    other = numpy_called("another_library")
    assert _namespace.namespace(other) is other
    array = zero_array.zero_init((96, 64), xp=other, dtype="float32")
    assert array.tobytes() == zero_array.zero_init((96, 64), dtype="float32").tobytes()


def test_bfloat16_without_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy has no bfloat16 of its own, and the refusal says where to find one."""
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ValueError, match=r"^`dtype` must be one that numpy has; got bfloat16: pip install ml_dtypes$"):
        zero_array.zero_init((4, 2), dtype="bfloat16")


def test_missing_dtype() -> None:
    """A library that does not build on NumPy's dtypes has its own or none."""
    other = numpy_called("another_library", float32=object(), float16=None)
    with pytest.raises(ValueError, match=r"^`dtype` must be one that another_library has; got float16$"):
        zero_array.zero_init((4, 2), xp=other, dtype="float16")


def test_dtype_missing_from_a_namespace_of_numpy_chunks() -> None:
    """Chunks of NumPy arrays can have NumPy's float16 even where their namespace does not name it; others cannot."""
    chunked = numpy_called("another_library", float16=None, map_blocks=None)
    assert _namespace.dtype(chunked, "float16") is numpy.float16
    with pytest.raises(ValueError, match=r"^`dtype` must be one that another_library has; got float16$"):
        _namespace.dtype(numpy_called("another_library", float16=None), "float16")
    with pytest.raises(ValueError, match=r"^`dtype` must be one that cubed has; got bfloat16$"):
        _namespace.dtype(numpy_called("cubed", map_blocks=None), "bfloat16")


class Device:
    """Stands for jax.Device."""


class Sharding:
    """Stands for jax.sharding.Sharding."""


class SingleDeviceSharding(Sharding):
    """Stands for the placement on one device."""

    def __init__(self, device: Device) -> None:
        self.device = device


@pytest.fixture
def jax(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A jax whose jit only notes the placement that it was given, and whose arrays are NumPy's."""
    placements: list[Any] = []

    def jit(formula: Any, static_argnums: tuple[int, ...], out_shardings: Any = None) -> Any:
        assert static_argnums == (0, 1, 2)
        placements.append(out_shardings)
        return formula

    sharding = SimpleNamespace(Sharding=Sharding, SingleDeviceSharding=SingleDeviceSharding)
    stand_in = module("jax", Device=Device, jit=jit, config=SimpleNamespace(jax_enable_x64=True), sharding=sharding)
    monkeypatch.setitem(sys.modules, "jax", stand_in)
    _namespace._jitted.cache_clear()
    count = numpy.vectorize(lambda number: int(number).bit_count(), otypes=[numpy.int64])
    yield SimpleNamespace(numpy=numpy_called("jax.numpy", bitwise_count=count), module=stand_in, placements=placements)
    _namespace._jitted.cache_clear()


each_small_case = pytest.mark.parametrize(
    "case", [case for case in CASES if numpy.prod(case.shape) < 10_000], ids=lambda case: case.id
)


@each_small_case
def test_formula(case: Case, jax: Any) -> None:
    """The formula that JAX compiles gives the reference's bytes, where NumPy runs it."""
    init = getattr(zero_array, f"{case.function}_init")
    array = init(case.shape, xp=jax.numpy, dtype="float32", **case.options)
    assert array.tobytes() == reference.to_bytes(list(reference.flat(reference.weight(case))), "float32")


def test_jax_placement(jax: Any) -> None:
    """A device becomes a sharding of one device, a sharding stays as it is, and nothing stays nothing."""
    sharding, device = Sharding(), Device()
    for place in (None, sharding, device):
        zero_array.zero_init((4, 2), xp=jax.numpy, dtype="float32", device=place)
    nothing, same, single = jax.placements
    assert nothing is None
    assert same is sharding
    assert single.device is device


@pytest.mark.parametrize(("given", "remedy"), [("cpu", "'cpu': pass jax.devices('cpu')[0]"), (0, "0")], ids=str)
def test_no_jax_placement(given: Any, remedy: str, jax: Any) -> None:
    """The name of a device is none, and the refusal says how to have it."""
    with pytest.raises(TypeError) as caught:
        zero_array.zero_init((4, 2), xp=jax.numpy, dtype="float32", device=given)
    assert str(caught.value) == f"`device` must be a device or a sharding of JAX; got {remedy}"
    assert jax.placements == []


def test_jax_without_x64(jax: Any) -> None:
    """JAX has float64 only where it was enabled, and the refusal says how."""
    jax.module.config.jax_enable_x64 = False
    with pytest.raises(
        ValueError, match=r"^`dtype` must be one that jax\.numpy has; got float64: enable jax_enable_x64 first$"
    ):
        zero_array.zero_init((4, 2), xp=jax.numpy, dtype="float64")


class Chunks:
    """Stands for a Dask or cubed library: chunks of 17 where they may be chosen."""

    __name__ = "another_lazy_library"

    def __init__(self) -> None:
        self.built: list[tuple[int, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(numpy, name)

    def empty(self, shape: tuple[int, ...], dtype: Any, chunks: Any) -> Any:
        """An array that knows its chunks and nothing else."""
        wanted = (17,) * len(shape) if chunks == "auto" else chunks
        sizes = [
            tuple(min(size, length - at) for at in range(0, length, size)) or (0,)
            for length, size in zip(shape, (max(1, size) for size in wanted), strict=True)
        ]
        return SimpleNamespace(chunks=tuple(sizes), dtype=dtype)

    def map_blocks(self, function: Any, chunks: tuple[tuple[int, ...], ...], dtype: Any) -> Any:
        """Compute all chunks and lay them side by side."""
        array = numpy.empty([sum(sizes) for sizes in chunks], dtype=dtype)
        for block_id in product(*(range(len(sizes)) for sizes in chunks)):
            at = tuple(
                slice(sum(sizes[:number]), sum(sizes[: number + 1]))
                for number, sizes in zip(block_id, chunks, strict=True)
            )
            chunk = function(block_id=block_id)
            assert chunk.dtype == dtype
            array[at] = chunk
            self.built.append(block_id)
        return array


@each_small_case
def test_chunks(case: Case) -> None:
    """Chunks of any cut, each built alone as a window of a window, make up the array."""
    library = Chunks()
    init = getattr(zero_array, f"{case.function}_init")
    array = init(case.shape, xp=library, dtype="float32", **case.options)
    assert array.tobytes() == reference.to_bytes(list(reference.flat(reference.weight(case))), "float32")
    assert len(library.built) >= 1


@pytest.mark.parametrize("window", [((2, 9), (1, 5), (1, 4), (0, 2)), ((0, 12), (0, 5), (2, 4), (1, 2))])
def test_formula_of_a_window(window: Any, jax: Any) -> None:
    """The formula counts from the start of the window on every axis, the kernel's too."""
    options: dict[str, Any] = {"center": (2, 1), "dtype": "float32", "window": window}
    array = zero_array.zero_init((12, 5, 4, 3), xp=jax.numpy, **options)
    assert array.tobytes() == zero_array.zero_init((12, 5, 4, 3), **options).tobytes()
    assert numpy.any(array)


@pytest.mark.parametrize(
    ("shape", "asked"),
    [((4, 3), {"chunks": "auto"}), ((0, 3), {"chunks": (0, 3)})],
    ids=["auto", "empty"],
)
def test_what_a_chunked_library_is_asked(shape: tuple[int, ...], asked: dict[str, Any]) -> None:
    """Chunks are chosen for the dtype and device asked for; of an empty window there is nothing to choose."""
    found = []

    class Library(Chunks):
        def empty(self, shape: tuple[int, ...], dtype: Any, chunks: Any, device: Any = None) -> Any:
            found.append({"dtype": numpy.dtype(dtype).name, "device": device, "chunks": chunks})
            return super().empty(shape, dtype, chunks)

    window = tuple((0, size) for size in shape)
    array = zero_array.zero_init((4, 3), xp=Library(), dtype="float16", device="cpu", window=window)
    assert array.dtype == numpy.float16
    assert array.shape == shape
    assert found == [{"dtype": "float16", "device": "cpu"} | asked]


@pytest.mark.parametrize("chunks", [0, ((5, -1), (3,))], ids=str)
def test_no_chunks(chunks: Any) -> None:
    """Chunks that are empty or less are refused, whatever the library makes of them."""

    def empty(shape: tuple[int, ...], *, chunks: Any, **_: Any) -> Any:
        return SimpleNamespace(chunks=chunks or (shape[0] // chunks,))

    library = numpy_called("another_library", empty=empty, map_blocks=None)
    whole = weight("identity", (4, 3), in_axis=1, out_axis=0, groups=1, center="paper", window=None)
    with pytest.raises(ValueError, match=r"^`chunks` must be lengths >= 1, or -1 for a whole axis; got ") as caught:
        _build.build(library, whole, numpy.float32, None, chunks)
    assert str(caught.value).endswith(f"; got {chunks!r}")


def test_chunk_of_another_rank() -> None:
    """A chunk that is numbered along too few axes is an error, not a wrong part."""
    whole = weight("identity", (4, 3), in_axis=1, out_axis=0, groups=1, center="paper", window=None)
    bounds = (((0, 4),), ((0, 3),))
    with pytest.raises(ValueError, match="zip"):
        _build._chunk(block_id=(0,), weight=whole, dtype=numpy.float32, bounds=bounds)
    with pytest.raises(ValueError, match="zip"):
        whole.part(((0, 1),))


def test_own_dtype_comes_first() -> None:
    """A namespace's own object for a dtype is the one that is used; one without a name can be refused too."""
    own = object()
    assert _namespace.dtype(numpy_called("another_library", float16=own), "float16") is own
    nameless = SimpleNamespace()
    with pytest.raises(ValueError, match=r"^`dtype` must be one that namespace\(\) has; got float16$"):
        _namespace.dtype(nameless, "float16")


@pytest.mark.parametrize("init", [zero_array.identity_init, zero_array.hadamard_init, zero_array.zero_init])
def test_device_is_passed_on(init: Any) -> None:
    """Every constructor passes the device on, and the library's own refusal comes through."""
    assert init((4, 2), device="cpu").shape == (4, 2)
    with pytest.raises(ValueError, match=r"[Dd]evice"):
        init((4, 2), device="nowhere")


@pytest.mark.parametrize("name", ["numpy", "torch", "cupy", "dpnp", "array_api_strict", "mlx.core", "another_library"])
def test_pieces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large arrays are written in pieces where that is known not to copy the whole for each, and only there."""
    monkeypatch.setattr(_build, "_in_pieces", lambda *_: "pieces")
    library = numpy_called(name)
    monkeypatch.setattr(_namespace, "namespace", lambda _: library)
    array = zero_array.zero_init((1027, 171, 3), xp=library, dtype="float32")
    assert (isinstance(array, str) and array == "pieces") is (name != "another_library")


@pytest.mark.parametrize(("name", "times"), [("mlx.core", 4), ("dpnp", 0)])
def test_every_piece_is_settled(name: str, times: int) -> None:
    """A lazy library (MLX) computes each piece before the next, so that it writes in place; others are left alone."""
    settled: list[Any] = []
    array = zero_array.zero_init((1027, 171, 3), xp=numpy_called(name, eval=settled.append), dtype="float32")
    assert [found is array for found in settled] == [True] * times


@pytest.mark.parametrize("has_it", [True, False])
def test_rows_of_the_table(has_it: bool) -> None:
    """Runs are taken from their table by torch's own function where there is one."""
    asked = []

    def index_select(table: Any, axis: int, index: Any) -> Any:
        asked.append(axis)
        return numpy.take(table, index, axis=axis)

    library = numpy_called("dpnp", **({"index_select": index_select} if has_it else {}))
    array = zero_array.zero_init((96, 64), xp=library, dtype="float32")
    assert array.tobytes() == zero_array.zero_init((96, 64), dtype="float32").tobytes()
    assert asked == [0] * has_it


CREATORS = ("arange", "asarray", "empty", "eye", "zeros")
PIECES = [
    ((1024, 256), {}),
    ((83, 82), {}),
    ((5, 3), {}),
    ((64, 32, 3, 3), {}),
    ((27, 13, 3), {}),
    ((99, 13), {"groups": 3}),
    ((33, 1, 3), {"groups": 33}),
    ((9, 5), {"window": ((3, 3), (0, 5))}),
    ((1027, 171, 3), {}),
]


@pytest.mark.parametrize(("shape", "options"), PIECES, ids=str)
@pytest.mark.parametrize("device", [None, "there"])
def test_device_of_every_piece(device: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """The device is named to every function that creates an array, and where there is none, to none of them."""
    asked = []

    def creator(function: Any) -> Any:
        def create(*args: Any, **keywords: Any) -> Any:
            asked.append(keywords.pop("device", None))
            return function(*args, **keywords)

        return create

    other = numpy_called("dpnp", **{name: creator(getattr(numpy, name)) for name in CREATORS})
    array = zero_array.zero_init(shape, xp=other, dtype="float32", device=device, **options)
    assert set(asked) == {device}
    assert array.tobytes() == zero_array.zero_init(shape, dtype="float32", **options).tobytes()


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_large_transforms_go_in_pieces(kind: str) -> None:
    """A large batch is transformed piece by piece in NumPy: the pieces are those of the whole."""
    values = numpy.random.default_rng(0).integers(-2, 3, (4099, 1024)).astype(kind)
    found = zero_array.hadamard_transform(values)
    assert numpy.array_equal(found[-3:], zero_array.hadamard_transform(values[-3:]))
    assert numpy.array_equal(found[:1], zero_array.hadamard_transform(values[:1]))
    assert found.dtype == (numpy.int64 if kind == "int8" else kind)


def test_transform_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk of the batch is transformed alone, by NumPy; chunks along the axis are refused."""
    chunk = numpy.ones((3, 12), dtype="int8")
    x = SimpleNamespace(ndim=2, shape=(4, 12), dtype=chunk.dtype, chunks=((3, 1), (12,)))
    library = SimpleNamespace(map_blocks=lambda function, _, dtype: ("mapped", function(chunk), dtype))
    monkeypatch.setattr(_namespace, "of", lambda given: library if given is x else compat.array_namespace(given))
    mapped, found, dtype = zero_array.hadamard_transform(x)
    assert (mapped, dtype) == ("mapped", numpy.int64)
    assert numpy.array_equal(found, zero_array.hadamard_transform(chunk))
    with pytest.raises(ValueError, match="must have one chunk") as caught:
        zero_array.hadamard_transform(x, axis=0)
    assert str(caught.value) == "`x` must have one chunk along the axis; got 2 on axis 0: rechunk it first"


def test_transform_in_jax(jax: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX is asked for products in full precision, and finds the place of constants itself."""
    asked = []

    def matmul(a: Any, b: Any, precision: Any) -> Any:
        asked.append(precision)
        return numpy.matmul(a, b)

    jax.numpy.matmul = matmul
    x = numpy.ones((3, 64))
    monkeypatch.setattr(_namespace, "of", lambda _: jax.numpy)
    monkeypatch.setattr(compat, "is_jax_array", lambda _: False)  # old releases of it ask the stand-in for its arrays
    jax.numpy.astype = lambda array, dtype: array.astype(dtype)
    assert numpy.array_equal(zero_array.hadamard_transform(x), x @ numpy.asarray(zero_array.hadamard(64)))
    assert asked == ["highest"] * 2


def test_integers_in_mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLX, which multiplies matrices of floats alone, is asked for no product of integers."""
    library = numpy_called("mlx.core", matmul=None, astype=lambda array, dtype: array.astype(dtype))
    monkeypatch.setattr(_namespace, "of", lambda _: library)
    for x in (numpy.arange(3 * 96).reshape(3, 96), numpy.arange(96 * 5).reshape(96, 5)):
        axis = x.shape.index(96)
        expected = numpy.tensordot(x, zero_array.hadamard(96, dtype="int64"), (axis, 0))
        found = zero_array.hadamard_transform(x, axis=axis)
        assert numpy.array_equal(found, expected if axis else expected.T)


def test_transform_of_a_sparse_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's sparse tensors are refused with what to type."""
    monkeypatch.setattr(_namespace, "of", lambda _: numpy)
    sparse = type("Tensor", (), {"layout": "torch.sparse_coo"})()
    with pytest.raises(TypeError, match=r"^`x` must be a plain dense array; got a sparse one: pass x\.to_dense\(\)$"):
        zero_array.hadamard_transform(sparse)


def test_placement_of_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants go where the array is, and nowhere where it does not say or JAX knows."""
    array = SimpleNamespace(device="there")
    assert _namespace.placement_of(array) == {"device": "there"}
    assert _namespace.placement_of(object()) == {}
    monkeypatch.setattr(compat, "is_jax_array", lambda _: True)
    assert _namespace.placement_of(array) == {}


def test_parity_without_bitwise_count() -> None:
    """Where a library does not count bits, shifts fold them."""
    library = numpy_called("another_library", bitwise_right_shift=numpy.right_shift)
    vars(library).pop("bitwise_count", None)  # NumPy 1 has none
    numbers = numpy.asarray([0, 1, 2, 3, 2**30 + 1, 2**31 - 1, 0b1011])
    odd = _products.is_odd(Target(library, numpy.float32, {}), numbers)
    assert odd.tolist() == [bool(int(number).bit_count() & 1) for number in numbers]


class Tensor:
    """Stands for torch's: notes what it is asked."""

    def __init__(self, values: Any, place: dict[str, Any]) -> None:
        self.values, self.asked = values, [f"on {place['device']}"]

    def pin_memory(self) -> "Tensor":
        """Go into memory that a GPU reads by itself."""
        self.asked.append("pinned")
        return self

    def to(self, device: Any, *, non_blocking: bool) -> "Tensor":
        """Go to a GPU."""
        self.asked.append(f"to {device.type}, {non_blocking=}")
        return self


class Fake(Tensor):
    """Stands for a tensor that has no memory."""


@pytest.mark.parametrize(
    ("case", "asked"),
    [
        ("by argument", ["on cpu", "pinned", "to cuda, non_blocking=True"]),
        ("by context", ["on cpu", "pinned", "to cuda, non_blocking=True"]),
        ("fake", ["on cpu", "to cuda, non_blocking=True"]),
        ("compiled", ["on cuda"]),
        ("not begun", ["on cuda"]),
        ("elsewhere", ["on cpu"]),
    ],
)
def test_numbers_for_a_gpu(case: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch copies numbers to a GPU from pinned memory, so that it does not wait for what the GPU does."""
    torch = module(
        "torch",
        Tensor=Tensor,
        asarray=lambda values, dtype, **place: (Fake if case == "fake" else Tensor)(values, place),
        compiler=SimpleNamespace(is_compiling=lambda: case == "compiled"),
        cuda=SimpleNamespace(is_initialized=lambda: case != "not begun"),
        device=lambda name: SimpleNamespace(type=name),
        get_default_device=lambda: SimpleNamespace(type="cuda"),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    place = {} if case == "by context" else {"device": "cpu" if case == "elsewhere" else "cuda"}
    made = _namespace.constants(torch, [1.0, -1.0], None, place)
    assert (made.values, made.asked) == ([1.0, -1.0], asked)


@pytest.mark.parametrize("but", ["", "on a GPU", "wants a gradient", "compiled", "mapped", "has a tangent"])
def test_what_is_done_in_pieces(but: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's tensors go in pieces on the CPU, where nothing is traced and no gradient is wanted; JAX's never do."""

    def storage() -> None:
        if but == "mapped":
            raise NotImplementedError("Cannot access storage of BatchedTensorImpl")

    forward = SimpleNamespace(unpack_dual=lambda tensor: SimpleNamespace(tangent=tensor.own))
    compiler = SimpleNamespace(is_compiling=lambda: but == "compiled")
    torch = module("torch", compiler=compiler, autograd=SimpleNamespace(forward_ad=forward))
    monkeypatch.setitem(sys.modules, "torch", torch)
    device = SimpleNamespace(type="cuda" if but == "on a GPU" else "cpu")
    tensor = SimpleNamespace(device=device, requires_grad=but == "wants a gradient", untyped_storage=storage)
    tensor.own = "there" if but == "has a tangent" else None
    assert _namespace.is_cached(torch, tensor) is (not but)
    assert not _namespace.is_cached(module("jax.numpy"), tensor)

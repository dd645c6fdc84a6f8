"""PyTorch's own ways: compilation, the meta device, fake tensors of a GPU, its defaults and its initializers."""

from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import zero_array.torch
from zero_array._host import to_bytes
from zero_array._namespace import constants, namespace

CALLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1024, 256), {}),
    ((83, 82), {}),
    ((64, 32, 3, 3), {}),
    ((33, 1, 3, 3), {"groups": 33}),
    ((1027, 171, 3), {}),  # and in pieces
    ((1230, 450), {"groups": 3}),
    ((9, 20_001), {"in_axis": 0, "out_axis": 1}),
]
each_call = pytest.mark.parametrize(("shape", "options"), CALLS, ids=str)

tracing = pytest.mark.filterwarnings(
    "ignore:Dynamo detected a call to a `functools.lru_cache`", "ignore::DeprecationWarning"
)
"""array-api-compat caches its predicates of namespaces; the compiler's own parts are deprecated here and there."""


@tracing
@each_call
def test_compiled(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """A constructor is traced into one graph, without a break, and the graph gives the same bytes."""
    torch.compiler.reset()
    compiled = torch.compile(
        lambda: zero_array.zero_init(shape, xp=torch, **options), fullgraph=True, backend="eager", dynamic=False
    )
    assert to_bytes(compiled()) == to_bytes(zero_array.zero_init(shape, xp=torch, **options))


@tracing
def test_compiled_by_inductor() -> None:
    """The default compiler's code gives the same bytes."""
    torch.compiler.reset()
    compiled = torch.compile(lambda: zero_array.zero_init((96, 64), xp=torch), fullgraph=True, dynamic=False)
    assert to_bytes(compiled()) == to_bytes(zero_array.zero_init((96, 64), xp=torch))


@each_call
def test_meta_argument(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """On the meta device, asked for by argument, there is a shape and a dtype, and no data."""
    array = zero_array.zero_init(shape, xp=torch, device="meta", dtype=torch.bfloat16, **options)
    assert array.is_meta
    assert (tuple(array.shape), array.dtype) == (shape, torch.bfloat16)


@each_call
@pytest.mark.parametrize("place", ["meta", "cpu"])
def test_device_context(place: str, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Without an argument, PyTorch's device context says where the array is."""
    with torch.device(place):
        array = zero_array.zero_init(shape, xp=torch, **options)
    assert array.device.type == place
    assert tuple(array.shape) == shape


def test_argument_before_context() -> None:
    """An argument counts more than the context."""
    with torch.device("meta"):
        array = zero_array.zero_init((96, 64), xp=torch, device="cpu")
    assert to_bytes(array) == to_bytes(zero_array.zero_init((96, 64), xp=torch))


@each_call
def test_fake(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Fake tensors have a shape, a dtype and a device, and no data."""
    with FakeTensorMode():
        array = zero_array.zero_init(shape, xp=torch, dtype="float16", **options)
    assert isinstance(array, FakeTensor)
    assert (tuple(array.shape), array.dtype, array.device.type) == (shape, torch.float16, "cpu")


# slicing a fake one needs a real one, so these are weights without taps that are zero
@pytest.mark.parametrize(
    ("shape", "options"), [CALLS[0], ((64, 32, 1, 1), {}), ((96, 32), {"groups": 3}), ((8, 64), {"groups": 2})], ids=str
)
def test_no_piece_stays_behind(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """On a GPU (a fake one, the second) no piece is made on another device: mixing them would raise."""
    with FakeTensorMode():
        array = zero_array.zero_init(shape, xp=torch, device="cuda:1", **options)
    assert array.device == torch.device("cuda", 1)
    assert tuple(array.shape) == shape


class Crossings(TorchDispatchMode):
    """Notes every tensor that goes from one kind of device to another: how many bytes, and whether torch waits."""

    def __init__(self) -> None:
        super().__init__()
        self.up: list[int] = []
        self.waits: list[str] = []
        self.down: list[str] = []

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation."""
        kwargs = kwargs or {}
        result = op(*args, **kwargs)
        come, go = (
            [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)] for tree in ((args, kwargs), result)
        )
        if go and {"cpu"} == {tensor.device.type for tensor in come} != {tensor.device.type for tensor in go}:
            self.up += [tensor.nbytes for tensor in go]
            if not kwargs.get("non_blocking"):
                self.waits.append(str(op))
        elif any(tensor.is_cuda for tensor in come) and not all(tensor.is_cuda for tensor in go):
            self.down.append(str(op))
        return result


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA as if it had been used already; the tests use it with fake tensors, or none."""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((4096, 1024), {}),
        ((1024, 4096), {}),
        ((512, 256, 1, 1), {}),
        ((64, 3), {}),
        ((3072, 768), {"order": "exact", "columns": "distinct"}),
    ],
    ids=str,
)
@pytest.mark.usefixtures("cuda")
def test_what_crosses_to_a_gpu(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """To a GPU (a fake one) go a few small tables, none of which torch waits for; nothing comes back."""
    with FakeTensorMode(), Crossings() as seen:
        zero_array.zero_init(shape, xp=torch, device="cuda:0", **options)
    assert seen.down == seen.waits == []
    assert sum(seen.up) <= (32_768 if options else 2048)


@pytest.mark.usefixtures("cuda")
def test_nothing_waits_where_the_context_says_cuda() -> None:
    """Nor without an argument, where PyTorch's device context says where the array is; nor does the transform."""
    with FakeTensorMode(), torch.device("cuda:0"), Crossings() as seen:
        array = zero_array.zero_init((96, 64), xp=torch)
        zero_array.hadamard_transform(array)
    assert array.is_cuda
    assert seen.waits == []
    assert seen.up


class NoGPU(TorchFunctionMode):
    """Notes what tensors are asked, without a GPU: pinning and moving give them back."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Any]] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one function."""
        if function in (torch.Tensor.pin_memory, torch.Tensor.to):
            self.asked.append((function.__name__, kwargs or {}))
            return args[0]
        return function(*args, **(kwargs or {}))


@pytest.mark.usefixtures("cuda")
def test_what_goes_to_a_gpu_is_pinned_first() -> None:
    """Torch's copy returns at once from pinned memory alone."""
    with NoGPU() as seen:
        constants(namespace(torch), [1.0, -1.0], torch.float32, {"device": "cuda:1"})
    assert seen.asked == [("pin_memory", {}), ("to", {"non_blocking": True})]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_default_dtype(name: str) -> None:
    """PyTorch's default dtype is honoured."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, name))
    try:
        array = zero_array.zero_init((96, 64), xp=torch)
    finally:
        torch.set_default_dtype(before)
    assert array.dtype == getattr(torch, name)
    assert to_bytes(array) == to_bytes(zero_array.zero_init((96, 64), xp=torch, dtype=name))


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (96, 64)], ids=str)
def test_eye(shape: tuple[int, int]) -> None:
    """The identity is `torch.nn.init.eye_`."""
    assert torch.equal(zero_array.identity_init(shape, xp=torch), torch.nn.init.eye_(torch.empty(shape)))


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((8, 8, 3), 1), ((16, 8, 3, 5), 1), ((12, 4, 4, 4), 3), ((33, 1, 3, 3), 33), ((6, 4, 3, 2, 3), 2)],
    ids=str,
)
def test_dirac(shape: tuple[int, ...], groups: int) -> None:
    """The identity kernel is `torch.nn.init.dirac_`, even sizes and groups too."""
    expected = torch.nn.init.dirac_(torch.empty(shape), groups=groups)
    assert torch.equal(zero_array.identity_init(shape, xp=torch, groups=groups), expected)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_depthwise_convolution_is_the_identity() -> None:
    """A depthwise convolution with its weight leaves a picture as it is."""
    picture = torch.arange(3 * 5 * 7.0).reshape(1, 3, 5, 7)
    weight = zero_array.zero_init((3, 1, 3, 4), xp=torch, groups=3, center="same")
    assert torch.equal(torch.nn.functional.conv2d(picture, weight, padding="same", groups=3), picture)


@each_call
def test_contiguous(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """What comes back is contiguous, holds little memory beside its own, and needs no gradient."""
    array = zero_array.zero_init(shape, xp=torch, **options)
    assert array.is_contiguous()
    assert array.untyped_storage().nbytes() <= 1.1 * array.nbytes
    assert not array.requires_grad


def test_torch_size() -> None:
    """The shape of a tensor is a shape."""
    assert zero_array.zero_init(torch.empty(6, 3).shape, xp=torch).shape == (6, 3)


def vectors(n: int) -> torch.Tensor:
    """Three vectors of random numbers, in double precision."""
    return torch.randn(3, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


each_order = pytest.mark.parametrize("n", [1, 64, 96, 1024], ids=str)


@tracing
@each_order
def test_transform_compiled(n: int) -> None:
    """The transform is traced into one graph."""
    torch.compiler.reset()
    compiled = torch.compile(zero_array.hadamard_transform, fullgraph=True, backend="eager", dynamic=False)
    assert torch.equal(compiled(vectors(n)), zero_array.hadamard_transform(vectors(n)))


@each_order
def test_transform_gradient(n: int) -> None:
    """The gradient of the transform is the transform: the matrix is symmetric."""
    x = vectors(n).requires_grad_()
    weight = vectors(n).flip(0)
    (zero_array.hadamard_transform(x, scale="orthonormal") * weight).sum().backward()
    expected = zero_array.hadamard_transform(weight, scale="orthonormal")
    torch.testing.assert_close(x.grad, expected)


@each_order
def test_transform_vmap(n: int) -> None:
    """The transform of each vector is the transform of all."""
    found = torch.func.vmap(zero_array.hadamard_transform)(vectors(n))
    torch.testing.assert_close(found, zero_array.hadamard_transform(vectors(n)))


@each_order
def test_transform_without_data(n: int) -> None:
    """On the meta device, and of fake tensors of a GPU, there is a shape, and nothing is made elsewhere."""
    assert zero_array.hadamard_transform(vectors(n).to("meta")).is_meta
    with FakeTensorMode():
        x = torch.empty(3, n, device="cuda:1", dtype=torch.bfloat16)
        found = zero_array.hadamard_transform(x, ordering="sequency" if n != 96 else "natural")
    assert (found.device, found.dtype, tuple(found.shape)) == (x.device, x.dtype, (3, n))


@tracing
@pytest.mark.parametrize("options", [{"order": "exact"}, {"columns": "distinct"}], ids=str)
def test_compiled_options(options: dict[str, Any]) -> None:
    """Exact and distinct weights are traced too: their tables become constants of the graph."""
    torch.compiler.reset()
    compiled = torch.compile(
        lambda: zero_array.zero_init((104, 20), xp=torch, **options), fullgraph=True, backend="eager", dynamic=False
    )
    assert to_bytes(compiled()) == to_bytes(zero_array.zero_init((104, 20), xp=torch, **options))


@tracing
def test_large_transforms() -> None:
    """A large batch goes in pieces; mapped, differentiated and compiled it is the same."""
    x = torch.randn(4099, 1024, generator=torch.Generator().manual_seed(0))
    found = zero_array.hadamard_transform(x)
    torch.testing.assert_close(found[-3:], zero_array.hadamard_transform(x[-3:]))
    mapped = torch.func.vmap(zero_array.hadamard_transform)(torch.stack([x, 2 * x]))
    torch.testing.assert_close(mapped[1], 2 * found)
    gradient = torch.func.grad(lambda y: (zero_array.hadamard_transform(y) ** 2).sum())(x)
    torch.testing.assert_close(gradient, 2048 * x, rtol=1e-4, atol=1e-2)
    _, forward = torch.func.jvp(zero_array.hadamard_transform, (x,), (2 * x,))
    torch.testing.assert_close(forward, 2 * found)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, 2 * x)
        forward = torch.autograd.forward_ad.unpack_dual(zero_array.hadamard_transform(dual)).tangent
    torch.testing.assert_close(forward, 2 * found)
    assert zero_array.hadamard_transform(x.bfloat16()).dtype == torch.bfloat16
    compiled = torch.compile(zero_array.hadamard_transform, fullgraph=True, backend="eager", dynamic=False)
    torch.testing.assert_close(compiled(x), found)


@tracing
def test_transform_of_changing_shapes() -> None:
    """Compiled once, the transform takes other batches and other lengths."""
    torch.compiler.reset()
    compiled = torch.compile(zero_array.hadamard_transform, fullgraph=True, backend="eager")
    for shape in ((5, 64), (7, 64), (9, 96), (11, 96), (3, 4, 12)):
        x = torch.randn(shape)
        torch.testing.assert_close(compiled(x), zero_array.hadamard_transform(x))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=str)
def test_compare_parameters(kind: torch.dtype) -> None:
    """A layer's parameter is compared as it is: wanting a gradient, in bfloat16, in any memory format."""
    layer = torch.nn.Conv2d(8, 16, 3, dtype=kind).to(memory_format=torch.channels_last)
    zero_array.torch.zero_init_(layer.weight)
    assert zero_array.compare(layer.weight, layer.weight.shape) == (16 * 8 * 9, 0, None)
    with torch.no_grad():
        layer.weight[3, 5, 1, 2] = 0.5
    assert zero_array.compare(layer.weight, layer.weight.shape) == (16 * 8 * 9, 1, (3, 5, 1, 2))


def test_local_part_of_a_plain_tensor() -> None:
    """A plain tensor is its own only part; what is no tensor has none."""
    tensor = torch.empty(3, 2)
    local, window = zero_array.torch.local_part(tensor)
    assert local is tensor
    assert window == ((0, 3), (0, 2))
    with pytest.raises(TypeError, match=r"^`tensor` must be a torch\.Tensor; got \[\]$"):
        zero_array.torch.local_part([])


@pytest.mark.parametrize("layout", ["coo", "csr", "csc", "bsr"])
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
def test_transform_of_a_sparse_tensor(layout: str) -> None:
    """A sparse tensor of any layout is refused with what to type."""
    options: dict[str, Any] = {"blocksize": (2, 2)} if layout == "bsr" else {}
    sparse = torch.ones(4, 8).to_sparse(layout=getattr(torch, f"sparse_{layout}"), **options)
    with pytest.raises(TypeError, match=r"^`x` must be a plain dense array; got a sparse one: pass x\.to_dense\(\)$"):
        zero_array.hadamard_transform(sparse)

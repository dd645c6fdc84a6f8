"""Against what a user of torch has: torch.nn.init, the authors' recipe, and PyPI's `zero-init`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import zero_init

import zero_array
import zero_array.torch
from zero_array._commands._networks import resnet50

Weights = list[tuple[torch.Tensor, int]]


@pytest.fixture(autouse=True)
def only_torch(backend: Any, request: pytest.FixtureRequest) -> None:
    """These races are torch's."""
    if backend.name != "torch":
        pytest.skip("torch only")
    torch.set_num_threads(request.config.getoption("cores"))


def gpt2_xl() -> Iterator[tuple[tuple[int, int], int]]:
    """The matrices of GPT-2-XL: 1.56 G weights, 48 layers of width 1600."""
    yield (50257, 1600), 1
    yield (1024, 1600), 1
    for _ in range(48):
        yield (4800, 1600), 3
        yield (1600, 1600), 1
        yield (6400, 1600), 1
        yield (1600, 6400), 1


def each(weights: Weights, fill: Callable[..., Any]) -> Callable[[], None]:
    """Fill all weights in turn."""

    def run() -> None:
        for tensor, groups in weights:
            fill(tensor, groups)

    return run


def ours(tensor: torch.Tensor, groups: int) -> None:
    """What this library does."""
    zero_array.torch.zero_init_(tensor, groups=groups)


def theirs(tensor: torch.Tensor, groups: int) -> None:
    """What PyPI's zero-init does: it returns a new tensor, which a user then copies."""
    fill = zero_init.ZerO_Init_Linear if tensor.ndim == 2 else zero_init.ZerO_Init_Conv2d
    tensor.copy_(fill(tensor))


PEERS = {
    "fill_": lambda tensor, groups: tensor.fill_(1.0),
    "kaiming_uniform_": lambda tensor, groups: torch.nn.init.kaiming_uniform_(tensor),
    "zero-init": theirs,
}


@pytest.mark.parametrize(("peer", "bar"), [("fill_", 2.0), ("kaiming_uniform_", 1 / 4), ("zero-init", 1 / 30)])
def bench_resnet50(race: Any, device: Any, peer: str, bar: float) -> None:
    """All weights of ResNet-50, in place."""
    weights = [(torch.empty(entry.shape, device=device), entry.options.get("groups", 1)) for entry in resnet50()]
    for tensor, groups in weights:
        theirs(tensor, groups)
        assert torch.equal(tensor, zero_array.torch.zero_init_(torch.empty_like(tensor)))
    entries = sum(tensor.numel() for tensor, _ in weights)
    race(
        each(weights, ours),
        each(weights, PEERS[peer]),
        work="ResNet-50 in place",
        against=peer,
        bar=bar,
        entries=entries,
    )


@pytest.mark.parametrize(("peer", "bar"), [("fill_", 1.2), ("kaiming_uniform_", 1 / 7)])
def bench_gpt2_xl(race: Any, device: Any, size_limit: int, peer: str, bar: float) -> None:
    """All matrices of GPT-2-XL, in place."""
    shapes = list(gpt2_xl())
    if size_limit < 2**31:
        shapes = shapes[:6]
    weights = [(torch.empty(shape, device=device), groups) for shape, groups in shapes]
    entries = sum(tensor.numel() for tensor, _ in weights)
    race(
        each(weights, ours),
        each(weights, PEERS[peer]),
        work="GPT-2-XL in place",
        against=peer,
        bar=bar,
        entries=entries,
    )


def authors(shape: tuple[int, ...]) -> torch.Tensor:
    """The authors' recipe, made for one matrix: ``eye @ hadamard @ eye``."""
    return zero_init.ZerO_Init_Linear(torch.empty(shape[:2]))


def authors_kernel(shape: tuple[int, ...]) -> torch.Tensor:
    """The same at the centre of a kernel."""
    return zero_init.ZerO_Init_Conv2d(torch.empty(shape))


@pytest.mark.parametrize("shape", [(64, 3), (10, 512), (64, 3, 7, 7)], ids=str)
def bench_small(race: Any, shape: tuple[int, ...]) -> None:
    """Small weights, where calls cost more than memory: 100 in a turn."""
    peer = authors if len(shape) == 2 else authors_kernel
    assert torch.equal(peer(shape), zero_array.zero_init(shape, xp=torch))

    def many(make: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(100):
                make()

        return run

    race(
        many(lambda: zero_array.zero_init(shape, xp=torch)),
        many(lambda: peer(shape)),
        work=f"zero_init({shape}), 100 calls",
        against="eye @ hadamard @ eye",
        bar=0.5,
    )


NN_INIT = {
    "dirac_": (torch.nn.init.dirac_, 1.2),
    "kaiming_normal_": (torch.nn.init.kaiming_normal_, 1.0),
    "eye_": (torch.nn.init.eye_, None),
    "orthogonal_": (torch.nn.init.orthogonal_, None),
}


@pytest.mark.parametrize("shape", [(512, 256, 3, 3), (512, 512, 3, 3)], ids=str)
@pytest.mark.parametrize("peer", ["dirac_", "kaiming_normal_"])
def bench_kernel(race: Any, device: Any, shape: tuple[int, ...], peer: str) -> None:
    """Kernels in place, the identity: what dirac_ does, checked against it."""
    tensor, other = torch.empty(shape, device=device), torch.empty(shape, device=device)
    fill, bar = NN_INIT[peer]
    if peer == "dirac_":
        assert torch.equal(fill(other), zero_array.torch.identity_init_(tensor))
    race(
        lambda: zero_array.torch.identity_init_(tensor),
        lambda: fill(other),
        work=f"identity_init_({shape})",
        against=peer,
        bar=bar,
        entries=tensor.numel(),
    )


@pytest.mark.parametrize("peer", ["eye_", "orthogonal_", "kaiming_normal_"])
def bench_matrix(race: Any, device: Any, peer: str) -> None:
    """A matrix of 1024 x 1024 in place, a Hadamard."""
    tensor, other = (torch.empty(1024, 1024, device=device) for _ in range(2))
    fill, _ = NN_INIT[peer]
    race(
        lambda: zero_array.torch.hadamard_init_(tensor),
        lambda: fill(other),
        work="hadamard_init_((1024, 1024))",
        against=peer,
        entries=tensor.numel(),
    )

"""`zero_array.torch`: the same bytes in place, whatever the tensor, and a refused tensor left as it was."""

from typing import Any

import pytest
import torch
import torch.distributed.tensor
from cases import CASES, Case
from reference import weight
from torch import nn

import zero_array
import zero_array.torch
from zero_array._host import to_bytes

IN_PLACE = [case for case in CASES if not {"window", "in_axis", "out_axis"} & set(case.options)]
each_case = pytest.mark.parametrize("case", IN_PLACE, ids=lambda case: case.id)


def fill(case: Case, tensor: torch.Tensor) -> Any:
    """The tensor, filled."""
    return getattr(zero_array.torch, f"{case.function}_init_")(tensor, **case.options)


def expected(case: Case, dtype: str) -> bytes:
    """What the constructor of the top level makes."""
    return to_bytes(getattr(zero_array, f"{case.function}_init")(case.shape, xp=torch, dtype=dtype, **case.options))


@each_case
def test_same_bytes(case: Case, dtype: str) -> None:
    """A tensor full of NaN becomes the golden weight, and is what comes back."""
    tensor = torch.full(case.shape, float("nan"), dtype=getattr(torch, dtype), requires_grad=True)
    assert fill(case, tensor) is tensor
    assert (tensor.requires_grad, tensor.is_leaf, tensor.grad_fn) == (True, True, None)
    assert to_bytes(tensor.detach()) == expected(case, dtype)


@each_case
def test_any_strides(case: Case) -> None:
    """Elements that lie backwards or apart in memory are filled where they are, and nothing between them is touched."""
    memory = torch.full((*reversed(case.shape), 2), float("nan"))
    tensor = memory[..., 0].permute(*reversed(range(len(case.shape))))
    address, strides = tensor.data_ptr(), tensor.stride()
    fill(case, tensor)
    assert (tensor.data_ptr(), tensor.stride()) == (address, strides)
    assert to_bytes(tensor.contiguous()) == expected(case, "float32")
    assert memory[..., 1].isnan().all()


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("kernel", [(), (3,), (4, 3)], ids=str)
def test_transposed(groups: int, kernel: tuple[int, ...]) -> None:
    """For a transposed layer each group of inputs holds the block ``(out / groups, in / groups)``, transposed."""
    tensor = zero_array.torch.zero_init_(torch.full((12, 20, *kernel), float("nan")), groups=groups, transposed=True)
    block = zero_array.zero_init((20, 12 // groups, *kernel), xp=torch).transpose(0, 1)
    assert torch.equal(tensor, torch.cat([block] * groups))


ROWS: dict[str, tuple[Any, dict[str, Any], tuple[int, ...], int]] = {
    "linear": (lambda: nn.Linear(12, 30).weight, {}, (30, 12), 1),
    "conv": (lambda: nn.Conv2d(12, 18, (3, 5), groups=3).weight, {"groups": 3}, (18, 4, 3, 5), 3),
    "depthwise": (lambda: nn.Conv2d(5, 10, 3, groups=5).weight, {"groups": 5}, (10, 1, 3, 3), 5),
    "transpose": (lambda: nn.ConvTranspose1d(12, 18, 3).weight, {"transposed": True}, (18, 12, 3), 1),
    "packed": (lambda: nn.MultiheadAttention(12, 4).in_proj_weight, {"groups": 3}, (36, 12), 3),
    "lstm": (lambda: nn.LSTM(12, 20).weight_ih_l0, {"groups": 4}, (80, 12), 4),
    "gru": (lambda: nn.GRU(12, 20).weight_hh_l0, {"groups": 3}, (60, 20), 3),
}
"""The weight of each layer, the options that it takes, and what it has to be as ``(out, in, *k)``, with its groups."""


@pytest.mark.parametrize("row", ROWS)
def test_layout(row: str) -> None:
    """The weight of each layer has the bytes of the reference with the options of its layer, and without them not."""
    make, options, shape, groups = ROWS[row]
    wanted = torch.tensor(weight(Case("", "zero", shape, {"groups": groups})), dtype=torch.float32)
    made, naive = (zero_array.torch.zero_init_(make(), **given).detach() for given in (options, {}))
    if "transposed" in options:
        made, naive = made.transpose(0, 1), naive.transpose(0, 1)
    assert torch.equal(made, wanted)
    assert torch.equal(naive, wanted) == (not options)


@pytest.mark.parametrize("flag", ["meta", "_is_hf_initialized", "empty"])
def test_left_untouched(flag: str) -> None:
    """A tensor without data, or one that is flagged as initialized, is returned as it is."""
    tensor = torch.full((0 if flag == "empty" else 5, 3), 7.0, device="meta" if flag == "meta" else "cpu")
    tensor._is_hf_initialized = flag == "_is_hf_initialized"
    assert zero_array.torch.zero_init_(tensor) is tensor
    assert tensor.is_meta or bool((tensor == 7.0).all())


BAD: list[tuple[type[Exception], str, Any, dict[str, Any]]] = [
    (TypeError, "`tensor` must be a torch.Tensor; got (4, 2)", (4, 2), {}),
    (
        ValueError,
        "`tensor` must have two or more axes; got shape (4,): vectors start as zeros or ones",
        torch.ones(4),
        {},
    ),
    (ValueError, "`groups` must divide the length of the out axis; got 3 groups for 4 outputs", None, {"groups": 3}),
    (
        ValueError,
        "`groups` must divide the length of the in axis; got 3 groups for 4 inputs",
        None,
        {"groups": 3, "transposed": True},
    ),
    (
        TypeError,
        (
            "`dtype` must be float64, float32, float16 or bfloat16, by name or as the namespace's own object; "
            "got torch.int32"
        ),
        torch.ones(4, 2, dtype=torch.int32),
        {},
    ),
    (
        ValueError,
        (
            "`tensor` must have a place in memory for each element; got the shape (3, 4, 2) with the strides "
            "(0, 2, 1): pass what was expanded, or a clone"
        ),
        torch.ones(4, 2).expand(3, 4, 2),
        {},
    ),
    (
        ValueError,
        (
            "`tensor` must have a place in memory for each element; got the shape (4, 3) with the strides (1, 1): pass "
            "what was expanded, or a clone"
        ),
        torch.ones(6).unfold(0, 3, 1),
        {},
    ),
]


@pytest.mark.parametrize(("error", "message", "given", "options"), BAD, ids=[message for _, message, *_ in BAD])
def test_refused(error: type[Exception], message: str, given: Any, options: dict[str, Any]) -> None:
    """What cannot be filled is refused in one sentence, and left as it was."""
    tensor = torch.ones(4, 2) if given is None else given
    with pytest.raises(error) as caught:
        zero_array.torch.zero_init_(tensor, **options)
    assert str(caught.value) == message
    assert isinstance(given, tuple) or bool((tensor == 1).all())


def test_layer() -> None:
    """A layer is no tensor: its weight is."""
    with pytest.raises(TypeError, match=r"^`tensor` must be a torch.Tensor; got Linear: pass layer.weight$"):
        zero_array.torch.zero_init_(torch.nn.Linear(2, 2))


def test_axes_of_length_one() -> None:
    """Tensors of other strides, and with axes of length one and zero, are filled."""
    memory = torch.zeros(3, 8, 2)
    for tensor in (memory[0].t(), memory[:, :4, 0], memory[1:2].expand(1, 8, 2)[0], torch.zeros(1, 2).expand(1, 2)):
        assert torch.equal(zero_array.torch.zero_init_(tensor), zero_array.zero_init(tuple(tensor.shape), xp=torch))
    assert zero_array.torch.zero_init_(torch.zeros(1, 2).expand(0, 2)).shape == (0, 2)


def test_sparse_tensor() -> None:
    """A sparse tensor is refused."""
    with pytest.raises(TypeError, match=r"^`tensor` must be a plain dense tensor; got the layout torch.sparse_coo: "):
        zero_array.torch.zero_init_(torch.eye(3).to_sparse())


def test_lazy_parameter() -> None:
    """A parameter that has no shape yet is refused with the remedy."""
    with pytest.raises(
        TypeError, match=r"^`tensor` must have a shape; got an UninitializedParameter: run a batch through"
    ):
        zero_array.torch.zero_init_(torch.nn.parameter.UninitializedParameter())

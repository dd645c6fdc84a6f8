"""What frameworks with arrays of their own order share: how a layer reads its weight, and the array it starts as."""

from typing import Any

import numpy
import pytest

import zero_array
from zero_array._model import make
from zero_array._planning._filling import Filling
from zero_array._planning._layer import Layer
from zero_array._planning._recipe import Options
from zero_array._planning._structure import Attention, Structure
from zero_array.recipes import RECIPES, Parameter, Part, Plan, plan


def started(parameter: Parameter, shape: tuple[int, ...], fill: Any = None) -> Any:
    """The array that a parameter of that shape starts as, by the paper's rule or another fill; None: as it is."""
    (entry,) = plan([parameter], RECIPES["mlp"], overrides={"*": fill} if fill else None)
    filling = Filling.of(entry, shape)
    return filling and filling.build(shape, xp=None, dtype="float64")


def test_plain_layer() -> None:
    """A layer with one axis for its inputs and one for its outputs keeps its axes."""
    parameter = Layer("linear", (1,), (0,)).parameter("w", (4, 8))
    assert parameter == Parameter("w", "linear", (4, 8), 1, 0)
    assert numpy.array_equal(started(parameter, (4, 8)), zero_array.zero_init((8, 4)).T)


def test_kernel() -> None:
    """The taps of a kernel in front of its channels keep their places."""
    parameter = Layer("conv", (3,), (2,), taps=((0,), (1,)), center="same").parameter("w", (2, 4, 3, 6))
    wanted = zero_array.zero_init((6, 3, 2, 4), center="same")
    assert numpy.array_equal(started(parameter, (2, 4, 3, 6)), wanted.transpose(2, 3, 1, 0))


def test_merged_axes() -> None:
    """The heads of a query and their size are its outputs together, those of an output projection its inputs."""
    wanted = zero_array.zero_init((12, 5))
    query = Layer("linear", (1, 2), (0,)).parameter("q", (5, 4, 3))
    assert (query.shape, query.axes) == ((12, 5), ((1, 2), (0,)))
    assert numpy.array_equal(started(query, (5, 4, 3)), wanted.T.reshape(5, 4, 3))
    turned = Layer("linear", (2, 1), (0,)).parameter("q", (5, 3, 4))
    assert numpy.array_equal(started(turned, (5, 3, 4)), wanted.reshape(4, 3, 5).transpose(2, 1, 0))
    output = Layer("linear", (2,), (0, 1)).parameter("o", (4, 3, 5))
    assert numpy.array_equal(started(output, (4, 3, 5)), zero_array.zero_init((5, 12)).T.reshape(4, 3, 5))


def test_copies() -> None:
    """Each of a stack of layers has the whole matrix, also where parts are packed in it."""
    layer = Layer("linear", (2,), (1,), stacked=(0,))
    wanted = zero_array.zero_init((4, 2)).T
    assert numpy.array_equal(started(layer.parameter("w", (3, 2, 4)), (3, 2, 4)), [wanted] * 3)
    packed = layer.parameter("w", (3, 2, 8), ["a", "b"])
    assert packed.parts == (Part("a", 4), Part("b", 4)) * 3
    assert packed.groups == 3


def test_axes_of_length_one() -> None:
    """An axis of length one that means nothing stands for the outputs, inputs or taps that a weight lacks."""
    parameter = Layer("linear", (1,), ()).parameter("w", (1, 4))
    assert (parameter.shape, parameter.out_axis, parameter.in_axis) == ((1, 4), 1, 0)
    kernel = Layer("conv", (1,), (2,), taps=((),)).parameter("w", (1, 4, 4))
    assert (kernel.shape, kernel.out_axis, kernel.in_axis) == ((1, 4, 4), 1, 2)
    beside = Layer("linear", (1, 2), (3,)).parameter("w", (1, 2, 2, 3))
    assert numpy.array_equal(started(beside, (1, 2, 2, 3)), zero_array.zero_init((4, 3)).reshape(1, 2, 2, 3))


def test_covers() -> None:
    """A layer reads a whole parameter where it has a use for each axis that is longer than one."""
    layer = Layer("linear", (1,), (0,))
    assert layer.covers((4, 8))
    assert layer.covers((4, 8, 1))
    assert not layer.covers((4, 8, 2))


@pytest.mark.parametrize(("fill", "value"), [("zeros", 0.0), ("ones", 1.0)])
@pytest.mark.parametrize("shape", [(4, 6), (5,), ()], ids=str)
def test_constants(shape: tuple[int, ...], fill: str, value: float) -> None:
    """A constant has the shape of its parameter, and what is left untouched is not built."""
    parameter = Parameter("x", "linear" if len(shape) == 2 else "bias", shape)
    array = started(parameter, shape, fill)
    assert array.shape == shape
    assert (array == value).all()
    assert started(parameter, shape, "untouched") is None


def test_parts_are_put_together() -> None:
    """Packed parts come one after the other along the outputs."""
    parameter = Layer("linear", (1,), (0,)).parameter("w", (4, 8), ["a", "b"])
    wanted = zero_array.zero_init((4, 4))
    assert numpy.array_equal(started(parameter, (4, 8)), numpy.concatenate([wanted, wanted], axis=1))


@pytest.mark.parametrize("shape", [(8, 4), (4, 8, 1), None], ids=str)
def test_other_shapes_are_refused(shape: tuple[int, ...] | None) -> None:
    """A plan of another model is refused before anything is built."""
    (entry,) = plan([Layer("linear", (1,), (0,)).parameter("w", (4, 8))], RECIPES["mlp"])
    with pytest.raises(ValueError, match=r"^the plan must be of this model; it has w of shape \(4, 8\), and the model"):
        Filling.of(entry, shape)


HELD = [
    Parameter("block/up/kernel", "linear", (4, 8), 1, 0),
    Parameter("block/down/kernel", "linear", (8, 4), 1, 0, aliases=("tied",)),
    Parameter("block/down/bias", "bias", (4,)),
]


def made(
    recipe: Any = "auto", found: Structure | None = None, names: Any = None, branches: Any = None, **options: Any
) -> Plan:
    """A plan of three parameters."""
    held = [parameter.name for parameter in HELD] if names is None else names
    read = lambda: (HELD, found or Structure())  # noqa: E731  # read when all is checked
    return make(recipe, held, read, Options(**options), branches=branches, overrides=None)


def test_plan_of_a_model() -> None:
    """A recipe makes the plan of what was read, and a plan that is given is taken as it is."""
    first = made("mlp")
    assert [entry.fill for entry in first] == ["hadamard", "identity", "zeros"]
    assert made(first) is first


@pytest.mark.parametrize("name", ["block/down/kernel", "block/down", "tied"])
def test_branches_by_name(name: str) -> None:
    """The end of a branch may be named by its weight, by the layer that holds it, or by another name."""
    weights = {"block/up/kernel": frozenset[int]()}
    attention = Attention(weights, {}, {}, (), ends_branch=True)
    found = made(branches=[name], found=Structure(attentions=(attention,), undecided=("block",)))
    assert found["block/down/kernel"].fill == "zeros"


def test_sums_that_are_left() -> None:
    """What is undecided may be left as it is."""
    with pytest.raises(ValueError, match=r"^it can't be told which side of a sum is a residual branch: "):
        made(found=Structure(undecided=("block",)))
    assert made(found=Structure(undecided=("block",)), branches="found")["block/down/kernel"].fill == "identity"


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"branches": "block"},
        TypeError,
        "`branches` must be 'found' or a list of names of modules or weights; got a str",
    ),
    (
        {"branches": ["block"]},
        ValueError,
        "`branches` must name modules that hold a weight, or such weights; got 'block'",
    ),
    (
        {"recipe": "mlp", "branches": ["tied"]},
        ValueError,
        "`branches` must be left out for the recipe 'mlp', which knows none: use 'auto'",
    ),
    (
        {"recipe": Plan("mlp", ()), "head": "zeros"},
        ValueError,
        "`head` must be left out where a plan is given, which has it all; make a new plan with it",
    ),
    ({"recipe": Plan("mlp", ())}, ValueError, "the plan must be of this model; it says nothing about w"),
]


@pytest.mark.parametrize(("given", "kind", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refusals(given: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What cannot be planned is refused word for word."""
    with pytest.raises(kind) as caught:
        made(**given, names=["w"] if message.endswith("about w") else None)
    assert str(caught.value) == message

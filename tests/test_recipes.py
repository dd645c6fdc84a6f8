"""What recipes make of networks written by hand: each parameter's fill and reason, and never two zeros in series."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from networks import Network, attention

from zero_array._planning._decide import matrices
from zero_array._planning._plan import Kind
from zero_array._planning._recipe import AUTO, Options, check, choose, needs_structure
from zero_array._planning._structure import Structure
from zero_array._weight import Weight
from zero_array.recipes import RECIPES, Parameter, Part, plan


def mlp() -> Network:
    """Three layers."""
    net = Network()
    net.layer("head", net.layer("b", net.layer("a", net.x, shape=(8, 4)), shape=(8, 8)), shape=(2, 8))
    return net


def block(*, normed: bool = True, where: str = "") -> Network:
    """A residual block, and a head."""
    net = Network()
    y = net.layers(net.x, "a", "b")
    net.layer("head", net.add(net.x, net.norm("n", y) if normed else y, where=where))
    return net


@pytest.mark.parametrize(
    ("net", "name"),
    [(mlp(), "mlp"), (block(), "resnet"), (block(normed=False), "normfree"), (attention(), "transformer")],
    ids=["mlp", "resnet", "normfree", "transformer"],
)
def test_auto(net: Network, name: str) -> None:
    """The structure chooses the recipe, and that recipe by name makes the same plan."""
    assert net.plan("auto").recipe == name
    assert net.plan("auto") == net.plan(name)


@pytest.mark.parametrize("net", [mlp(), block(), attention()], ids=["mlp", "resnet", "transformer"])
def test_zero_distinct(net: Network) -> None:
    """The recipe without twins is the one that the structure asks for with two options, and others go with it."""
    assert net.plan("zero-distinct") == net.plan("auto", order="auto", columns="distinct")
    assert net.plan("zero-distinct", order="pad", scale="paper") == net.plan("auto", columns="distinct", scale="paper")


def test_zero_distinct_has_no_twins() -> None:
    """All outputs of a layer that widens by far differ, where the paper's have twins."""
    (entry,) = plan([Parameter("a", "linear", (64, 8))], choose("zero-distinct", [], Structure(), Options()))
    (block,) = entry.blocks()
    assert isinstance(block.content, Weight)
    assert block.content.distinct_rows() == 64


def test_auto_is_undecided() -> None:
    """A network whose only sum is undecided is no plain chain: it must be decided."""
    net = Network()
    net.add(net.layer("a", net.x), net.layer("b", net.x), where="merge")
    with pytest.raises(ValueError, match=r"^it can't be told which side of a sum is a residual branch: .* in merge: "):
        net.plan("auto")
    assert net.fills("mlp") == {"a": "identity", "b": "identity"}


def test_mlp() -> None:
    """Algorithm 1 on every layer, the head too."""
    assert mlp().fills() == {"a": "hadamard", "b": "identity", "head": "identity"}


@pytest.mark.parametrize(("head", "fill"), [("zeros", "zeros"), ("keep", "untouched"), ("algorithm1", "identity")])
def test_head(head: str, fill: str) -> None:
    """The head is an option."""
    entry = mlp().plan(head=head)["head"]
    assert entry.fill == fill
    assert entry.reason == ("Algorithm 1, 8 -> 2" if head == "algorithm1" else f"head: {head}")


def test_end_of_a_branch() -> None:
    """The last weight is zero, the norm behind it is not."""
    made = block(where="layer1").plan()
    assert {entry.name: entry.fill for entry in made} == {
        "a": "identity",
        "b": "zeros",
        "n": "ones",
        "head": "identity",
    }
    assert made["b"].reason == "last weight of the residual branch of layer1"
    assert block().plan()["b"].reason == "last weight of a residual branch"


def test_branch_end_norm() -> None:
    """On demand the last norm's scale is zero instead, where there is one."""
    assert block().fills(branch_end="norm") == {"a": "identity", "b": "identity", "n": "zeros", "head": "identity"}
    assert block().plan(branch_end="norm")["n"].reason == "last scale of a residual branch"
    assert block(normed=False).fills(branch_end="norm")["b"] == "zeros"


def test_dead_branch() -> None:
    """A branch that ends in a ReLU has no zeros, which would never learn; the reason says so."""
    net = Network()
    net.add(net.x, net.op("relu", net.layers(net.x, "a", "b")))
    entry = net.plan()["b"]
    assert (entry.fill, entry.reason) == (
        "identity",
        "Algorithm 1, 4 -> 4; a residual branch has no slope at zero, as after a ReLU: zeros would never learn",
    )


def standardised(used: str, *, divided: bool = False, behind: Kind | None = None) -> Network:
    """A block whose last weight is divided by a norm of its own."""
    net = Network()
    y = net.layer("b", net.layer("a", net.x), used=used, is_divided=divided)
    if behind:
        y = net.op("mul", y, parameters=(net.held("scale", behind, 4),))
    net.add(net.x, y)
    return net


@pytest.mark.parametrize("divided", [False, True])
def test_multiplier_of_a_standardised_weight(divided: bool) -> None:
    """A multiplier behind a weight that is divided by its own deviation or norm is zero in its place."""
    net = standardised("linear" if divided else "norm", divided=divided, behind="scale")
    assert net.fills() == {"a": "identity", "b": "identity", "scale": "zeros"}
    assert net.plan()["scale"].reason == "multiplier of a residual branch, whose last weight is standardised"


def test_norm_behind_a_divided_weight() -> None:
    """Where it has no multiplier, the scale of the norm behind it is."""
    assert standardised("linear", divided=True, behind="norm").fills() == {
        "a": "identity",
        "b": "identity",
        "scale": "zeros",
    }


def test_divided_weight_alone() -> None:
    """A weight that is divided by its norm is never zero, which would be no number."""
    entry = standardised("linear", divided=True).plan()["b"]
    assert (entry.fill, entry.reason) == (
        "identity",
        "Algorithm 1, 4 -> 4; a residual branch can't end in zeros, which have no norm",
    )


def test_zeros_of_a_divided_weight() -> None:
    """Zeros are refused where the weight is divided by its norm."""
    with pytest.raises(ValueError, match=r"^b can't start as zeros, since its layer divides it by its norm: "):
        standardised("linear", divided=True).plan(overrides={"b": "zeros"})


def test_gain_and_direction() -> None:
    """A weight held as norm and direction is zero by its norm; elsewhere its norm is that of its direction."""
    net = Network()
    y = net.layer("b.v", net.layer("a.v", net.x))
    for name in "ab":
        net.held(f"{name}.g", "gain", 4, 1, used="weight_norm", direction=f"{name}.v")
    net.add(net.x, y)
    assert net.fills() == {"b.v": "identity", "a.v": "identity", "a.g": "norms", "b.g": "zeros"}
    assert net.plan()["b.g"].reason == "last weight of a residual branch"
    assert net.plan()["b.v"].reason == "Algorithm 1, 4 -> 4; its gain is zero"


def test_gain_of_a_dead_branch() -> None:
    """Where the direction is not zero for a reason, its norm is no zero either."""
    net = Network()
    net.held("g", "gain", 4, 1, direction="v")
    net.add(net.x, net.op("relu", net.layer("v", net.x)))
    assert net.fills() == {"g": "norms", "v": "identity"}


PLAIN: list[tuple[Kind, str, str]] = [
    ("bias", "zeros", "bias"),
    ("norm", "ones", "scale of a norm"),
    ("norm offset", "zeros", "scale of a norm, counted from one"),
    ("scale", "ones", "multiplier"),
    ("gain", "norms", "norms of its directions"),
    ("slope", "untouched", "slope of an activation"),
    ("offset", "untouched", "position or token: not settled by the paper"),
    ("embedding", "untouched", "embedding: not settled by the paper"),
    ("linear", "hadamard", "Algorithm 1, 3 -> 6"),
    ("recurrent", "hadamard", "Algorithm 1, 3 -> 6"),
    ("bilinear", "hadamard", "Algorithm 1, 3 -> 6"),
]


@pytest.mark.parametrize(("kind", "fill", "reason"), PLAIN, ids=[kind for kind, *_ in PLAIN])
def test_kinds(kind: Kind, fill: str, reason: str) -> None:
    """What each kind of parameter starts as, and why."""
    (entry,) = plan([Parameter("x", kind, (6, 3), aliases=("y",))], RECIPES["mlp"])
    assert (entry.fill, entry.reason) == (fill, f"{reason}; also y")


def test_embeddings() -> None:
    """Tables of embeddings are filled on demand."""
    recipe = replace(RECIPES["transformer"], embeddings="algorithm1")
    (entry,) = plan([Parameter("tokens", "embedding", (6, 3))], recipe)
    assert (entry.fill, entry.reason) == ("hadamard", "Algorithm 1, 3 -> 6")


@pytest.mark.parametrize(
    ("parameter", "fill", "reason"),
    [
        (Parameter("x", "conv", (8, 4, 3, 3)), "hadamard", "Algorithm 2, 4 -> 8"),
        (Parameter("x", "conv", (8, 2, 3), groups=4), "identity", "Algorithm 2, 2 -> 2 in each of 4 groups"),
        (
            Parameter("x", "conv", (8, 4, 3), out_axis=1, in_axis=0, groups=4, transposed=True),
            "hadamard",
            "Algorithm 2, 2 -> 4 in each of 4 groups",
        ),
        (Parameter("x", "linear", (3, 6), out_axis=1, in_axis=0), "hadamard", "Algorithm 1, 3 -> 6"),
        (
            Parameter("x", "recurrent", (12, 3), parts=(Part("in", 2), Part("out", 4), Part("in", 6))),
            "hadamard in each of 2 parts",
            "Algorithm 1, 3 -> 4, 3 -> 8",
        ),
    ],
    ids=["conv", "groups", "transposed", "in-out", "parts"],
)
def test_layouts(parameter: Parameter, fill: str, reason: str) -> None:
    """Whether a layer widens is counted in one group, of one part, along the right axes."""
    (entry,) = plan([parameter], RECIPES["mlp"])
    assert (entry.fill, entry.reason) == (fill, reason)


USES: list[tuple[set[str], tuple[int, ...], str]] = [
    ({"mul"}, (4,), "scale"),
    ({"mul", "div"}, (1, 4), "scale"),
    ({"mul", "div"}, (4, 1), "scale"),
    ({"mul", "div"}, (4, 4), "unknown"),
    ({"scale"}, (4, 4), "scale"),
    ({"add"}, (4,), "bias"),
    ({"sub"}, (1, 4, 1), "bias"),
    ({"add"}, (), "bias"),
    ({"add"}, (5, 4), "offset"),
    ({"cat"}, (1, 1, 4), "offset"),
    ({"lookup", "add"}, (9, 4), "offset"),
    ({"linear"}, (8, 4), "linear"),
    ({"matmul"}, (8, 4), "linear"),
    ({"matmul"}, (2, 8, 4), "unknown"),
    ({"linear", "matmul"}, (8, 4), "unknown"),
    ({"einsum"}, (8, 4), "unknown"),
    ({"mul", "add"}, (4,), "unknown"),
    (set(), (4,), "unknown"),
]


@pytest.mark.parametrize(("uses", "shape", "kind"), USES, ids=str)
def test_kind_by_use(uses: set[str], shape: tuple[int, ...], kind: str) -> None:
    """A parameter of an unknown module is what the operations that read it make of it, or an error."""
    given = [Parameter("x", "unknown", shape)]
    found = Structure(uses={"x": uses})
    if kind != "unknown":
        assert plan(given, RECIPES["mlp"], found)["x"].parameter.kind == kind
        return
    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: x: say what each starts as"):
        plan(given, RECIPES["mlp"], found)
    assert plan(given, RECIPES["mlp"], found, {"x": "untouched"})["x"].fill == "untouched"


def test_matrices() -> None:
    """What holds a layer's matrix, by its kind or by its use."""
    parameters = [
        Parameter("known", "linear", (4, 4)),
        *(Parameter(name, "unknown", (4, 4)) for name in ("used", "not")),
    ]
    assert matrices(parameters, {"used": {"linear"}}) == {"known", "used"}


def test_frozen() -> None:
    """What is frozen stays as it is, unless it is asked for."""
    given = [Parameter("a", "linear", (4, 4), is_frozen=True), Parameter("b", "unknown", (4,), is_frozen=True)]
    made = plan(given, RECIPES["mlp"])
    assert {(entry.fill, entry.reason) for entry in made} == {("untouched", "frozen (requires_grad=False)")}
    assert plan(given, RECIPES["mlp"], overrides={"a": "zeros"})["a"].fill == "zeros"


def test_stack_is_no_kernel() -> None:
    """A stack of matrices of unknown axes (experts) is never taken for a kernel."""
    message = (
        r"^`overrides` can't ask for 'hadamard' of x, whose axes \(2, 8, 4\) are unknown: ask for 'untouched', and "
    )
    with pytest.raises(ValueError, match=message):
        plan([Parameter("x", "unknown", (2, 8, 4))], RECIPES["mlp"], overrides={"x": "hadamard"})


def test_orientation_by_use() -> None:
    """A parameter multiplied from the right counts its inputs along the first axis."""
    entry = plan([Parameter("x", "unknown", (3, 6))], RECIPES["mlp"], Structure(uses={"x": {"matmul"}}))["x"]
    assert (entry.fill, entry.parameter.out_axis, entry.parameter.in_axis) == ("hadamard", 1, 0)


def test_norm_that_counts_from_one() -> None:
    """A norm's scale that is only added to counts from one: it starts as zero."""
    made = plan([Parameter("x", "norm", (4,))], RECIPES["resnet"], Structure(uses={"x": {"add"}}))
    assert (made["x"].fill, made["x"].parameter.kind) == ("zeros", "norm offset")


def test_overrides() -> None:
    """The first pattern that matches one of a parameter's names decides."""
    given = [Parameter("a.weight", "linear", (4, 4)), Parameter("b", "linear", (4, 4), aliases=("c.weight",))]
    made = plan(given, RECIPES["mlp"], overrides={"c.*": "ones", "*.weight": "zeros", "*": "untouched"})
    assert [(entry.fill, entry.reason) for entry in made] == [
        ("zeros", "as asked by '*.weight'"),
        ("ones", "as asked by 'c.*'; also c.weight"),
    ]


@pytest.mark.parametrize("recipe", [*AUTO, *RECIPES, RECIPES["resnet"]], ids=str)
def test_what_needs_structure(recipe: Any) -> None:
    """All but a chain of layers needs the structure, and that one does for another head."""
    check(recipe, Options(head="zeros"))
    assert needs_structure(recipe, Options()) == (recipe != "mlp")
    assert needs_structure(recipe, Options(head="zeros"))


@pytest.mark.parametrize(("scale", "constant"), [("orthonormal", 2**-1.5), ("paper", 0.5)])
def test_scale(scale: str, constant: float) -> None:
    """The scale reaches the weights."""
    (block, *_) = mlp().plan(scale=scale)["a"].blocks()
    assert not isinstance(block.content, float)
    assert block.content.constant == constant


def test_plans_do_not_depend_on_order() -> None:
    """The same network written in another order of its sums gives the same fills."""
    first, second = Network(), Network()
    for net, swapped in ((first, False), (second, True)):
        x = net.x
        for number in range(3):
            sides = (x, net.layers(x, f"{number}.a", f"{number}.b"))
            x = net.add(*(sides[::-1] if swapped else sides))
    assert first.fills() == second.fills()
    assert [name for name, fill in first.fills().items() if fill == "zeros"] == ["0.b", "1.b", "2.b"]


def test_weights_in_series() -> None:
    """Along a chain of blocks no zero follows a zero."""
    net = Network()
    x = net.x
    for number in range(3):
        x = net.add(x, net.layers(x, f"{number}.a", f"{number}.b"))
    fills = [entry.fill for entry in net.plan()]
    assert not any(before == after == "zeros" for before, after in pairwise(fills))


def test_order_and_columns() -> None:
    """The order and the columns reach the weights, as the scale does."""
    block, *_ = mlp().plan(order="auto", columns="distinct")["a"].blocks()
    assert isinstance(block.content, Weight)
    assert block.content.columns == "distinct"
    (entry,) = plan([Parameter("a", "linear", (12, 3))], replace(RECIPES["mlp"], order="exact"))
    (block,) = entry.blocks()
    assert isinstance(block.content, Weight)
    assert block.content.order == 12

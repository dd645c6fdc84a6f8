"""What is found in networks written by hand: branches, attentions, heads, and what can't be told."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Network

from zero_array._planning._graph import Node, placed
from zero_array._planning._structure import structure

BRANCHES: dict[str, tuple[Callable[[Network], object], list[tuple[str, ...]]]] = {}


def branches(*ends: tuple[str, ...]) -> Callable[[Callable[[Network], object]], Callable[[Network], object]]:
    """List a network with the ends of its branches."""

    def listed(build: Callable[[Network], object]) -> Callable[[Network], object]:
        BRANCHES[build.__name__] = build, list(ends)
        return build

    return listed


@branches()
def chain(net: Network) -> None:
    """No sum, no branch."""
    net.layers(net.x, "a", "b")


@branches(("b",))
def plain(net: Network) -> None:
    """A block of two layers."""
    net.add(net.x, net.layers(net.x, "a", "b"))


@branches(("b",))
def shortcut_second(net: Network) -> None:
    """The order of the sum does not matter."""
    net.add(net.layers(net.x, "a", "b"), net.x)


@branches(("b",))
def subtracted(net: Network) -> None:
    """A difference is a sum."""
    net.op("sub", net.x, net.layers(net.x, "a", "b"))


@branches(("b",))
def projected(net: Network) -> None:
    """A shortcut with one layer against a branch of two."""
    net.op("relu", net.add(net.norm("n", net.layers(net.x, "a", "b")), net.norm("m", net.layer("down", net.x))))


@branches(("b",), ("d",))
def pre_activation(net: Network) -> None:
    """Norms before the layers, two blocks."""
    y = net.add(net.x, net.layers(net.op("relu", net.norm("n", net.x)), "a", "b"))
    net.add(y, net.layers(net.op("relu", net.norm("m", y)), "c", "d"))


@branches(("c",))
def bottleneck(net: Network) -> None:
    """Three layers, and a projected shortcut."""
    net.add(net.layers(net.x, "a", "b", "c"), net.layer("down", net.x))


@branches(("a2",), ("m2",))
def parallel_from_left(net: Network) -> None:
    """(x + a) + m: two branches."""
    net.add(net.add(net.x, net.layers(net.x, "a1", "a2")), net.layers(net.x, "m1", "m2"))


@branches(("m2", "a2"))
def parallel_from_right(net: Network) -> None:
    """(a + m) + x: one branch with two ends."""
    net.add(net.add(net.layers(net.x, "a1", "a2"), net.layers(net.x, "m1", "m2")), net.x)


@branches(("b",))
def drop_path(net: Network) -> None:
    """A branch times a random mask, which is made from its shape."""
    y = net.layers(net.x, "a", "b")
    net.add(net.x, net.op("mul", y, net.op("bernoulli", net.op("new_empty", y))))


@branches(("b",))
def drop_path_mask_first(net: Network) -> None:
    """The mask comes first."""
    y = net.layers(net.x, "a", "b")
    net.add(net.x, net.op("mul", net.op("bernoulli", net.op("new_empty", y)), y))


@branches(("b",))
def layer_scale(net: Network) -> None:
    """A branch times a parameter."""
    net.add(net.x, net.op("mul", net.layers(net.x, "a", "b"), parameters=(net.held("gamma", "unknown", 4),)))


@branches()
def densenet(net: Network) -> None:
    """What is joined side by side has no branch."""
    net.op("cat", net.x, net.layers(net.x, "a", "b"))


@branches(("up",))
def additive_skip(net: Network) -> None:
    """A U-Net that adds: its way through the bottom is a branch."""
    down = net.layer("down", net.x)
    net.add(net.layers(down, "bottom", "up"), down)


@branches()
def concatenated_skip(net: Network) -> None:
    """A U-Net that joins side by side."""
    down = net.layer("down", net.x)
    net.layer("out", net.op("cat", net.layers(down, "bottom", "up"), down))


@branches()
def recurrence(net: Network) -> None:
    """Steps that share their weights are no branches, though the sides differ in length."""
    state = net.layer("in", net.x)
    for _ in range(3):
        again = net.op("linear", net.op("tanh", state), parameters=("hidden",))
        state = net.add(net.op("linear", net.op("chunk", net.x), parameters=("in",)), again)
    net.held("hidden", "linear", 4, 4)


@branches(("b",))
def squeeze_excite(net: Network) -> None:
    """A gate that is made from the branch is none of its ends."""
    y = net.layers(net.x, "a", "b")
    gate = net.op("sigmoid", net.layers(net.op("mean", y), "squeeze", "excite"))
    net.add(net.x, net.op("mul", y, gate))


@branches(("b",))
def squeeze_excite_gate_first(net: Network) -> None:
    """The gate comes first."""
    y = net.layers(net.x, "a", "b")
    gate = net.op("hardsigmoid", net.layers(net.op("mean", y), "squeeze", "excite"))
    net.add(net.op("mul", gate, y), net.x)


@branches(("value",))
def gated_by_a_layer(net: Network) -> None:
    """The bounded factor is the gate, whichever comes first."""
    net.add(net.x, net.op("mul", net.op("sigmoid", net.layer("gate", net.x)), net.layer("value", net.x)))


@branches(("gate",))
def gated_linear_unit(net: Network) -> None:
    """One of two equal factors is zero, never both."""
    net.add(net.x, net.op("mul", net.op("silu", net.layer("gate", net.x)), net.layer("up", net.x)))


@branches(("both",))
def gated_in_one(net: Network) -> None:
    """A GLU that splits one layer's output."""
    net.add(net.x, net.op("glu", net.layer("both", net.x)))


@branches(("b",))
def squared(net: Network) -> None:
    """A factor times itself."""
    y = net.layers(net.x, "a", "b")
    net.add(net.x, net.op("mul", y, y))


@branches(("b",))
def two_ways_to_one_layer(net: Network) -> None:
    """A layer that its branch uses twice is one end."""
    y = net.layers(net.x, "a", "b")
    net.add(net.x, net.op("cat", net.op("tanh", y), y))


@branches(("f", "b"))
def branch_in_a_branch(net: Network) -> None:
    """The inner sum is a part of the outer branch: zero as a whole, and no branch of its own."""
    y = net.layers(net.x, "a", "b")
    net.add(net.x, net.add(y, net.layers(y, "e", "f")))


@branches(("f",), ("c",))
def branch_before_the_end(net: Network) -> None:
    """A branch inside of another, with a layer behind it."""
    y = net.layer("a", net.x)
    net.add(net.x, net.layer("c", net.add(y, net.layers(y, "e", "f"))), where="outer")


@branches()
def sum_of_inputs(net: Network) -> None:
    """Two inputs with nothing in common."""
    net.add(net.layer("a", net.x), net.op("input"))


@branches(("a",))
def sum_with_a_table(net: Network) -> None:
    """What is joined to the shortcut from elsewhere does not change it."""
    net.add(net.layer("a", net.x), net.op("cat", net.op("embedding", parameters=("table",)), net.x))


@branches()
def nothing_to_learn(net: Network) -> None:
    """Sides without weights."""
    net.add(net.x, net.op("relu", net.x))


@branches()
def doubled(net: Network) -> None:
    """A sum of something with itself."""
    y = net.layer("a", net.x)
    net.add(y, y)


@branches(("b",))
def masked(net: Network) -> None:
    """A factor that no weight makes is not the one to be zero."""
    net.add(net.x, net.op("mul", net.op("unsqueeze", net.op("input")), net.layers(net.x, "a", "b")))


@branches(("b",))
def masked_twice(net: Network) -> None:
    """Nor is it where the other factor depends on it."""
    mask = net.op("input")
    net.add(net.x, net.op("mul", net.layers(net.op("mul", net.x, mask), "a", "b"), mask))


@branches()
def times_its_shortcut(net: Network) -> None:
    """What is multiplied by the shortcut itself has a way without a layer, as the shortcut has: no side is chosen."""
    net.add(net.x, net.op("mul", net.layers(net.x, "a", "b"), net.x))


@branches()
def never_zero(net: Network) -> None:
    """What a sigmoid makes can't be zero."""
    net.add(net.x, net.op("sigmoid", net.layer("a", net.x)))


@branches(("b",))
def divided(net: Network) -> None:
    """The dividend is zero, never the divisor."""
    y = net.layers(net.x, "a", "b")
    net.add(net.x, net.op("div", y, net.op("sum", net.layer("keys", net.x))))


@branches(("b",))
def sum_of_three(net: Network) -> None:
    """A sum with more inputs than two is none that could be a residual one."""
    net.op("add", net.x, net.x, net.x)
    net.add(net.x, net.layers(net.x, "a", "b"))


@pytest.mark.parametrize(("build", "expected"), BRANCHES.values(), ids=BRANCHES)
def test_ends_of_branches(build: Callable[[Network], object], expected: list[tuple[str, ...]]) -> None:
    """The last weights of each residual branch are found, in the network's order."""
    net = Network()
    build(net)
    found = net.structure()
    assert [branch.ends for branch in found.branches] == expected
    assert found.undecided == ()


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.booleans(), st.booleans()), max_size=12))
def test_chains_of_blocks(blocks: list[tuple[int, bool, bool, bool]]) -> None:
    """In any chain of residual blocks the ends are exactly the last weights, and the head is not among them."""
    net = Network()
    x, expected = net.layer("stem", net.x), []
    for number, (depth, is_projected, is_normed, shortcut_first) in enumerate(blocks):
        names = [f"{number}.{layer}" for layer in range(depth + is_projected)]
        branch = net.layers(net.norm(f"{number}.norm", x) if is_normed else x, *names)
        short = net.layer(f"{number}.down", x) if is_projected else x
        x = net.add(*((short, branch) if shortcut_first else (branch, short)), where=str(number))
        expected.append((names[-1],))
    net.layer("head", net.op("mean", x))
    found = net.structure()
    assert [branch.ends for branch in found.branches] == expected
    assert [branch.where for branch in found.branches] == [str(number) for number in range(len(blocks))]
    assert found.heads == {"head"}
    assert (found.undecided, found.attentions) == ((), ())


def test_equal_sides_are_undecided() -> None:
    """Where both sides have as many layers, none is chosen; the places come in order."""
    net = Network()
    y = net.add(net.layer("a", net.x), net.layer("b", net.x), where="first")
    net.add(net.layers(y, "c", "d"), net.layers(y, "e", "f"), where="second")
    found = net.structure()
    assert found.branches == ()
    assert found.undecided == ("first", "second")


def factors(net: Network, y: int) -> tuple[int, int]:
    """Two functions of one layer's output."""
    return net.op("gelu", y), net.op("lookup", y)


BEHIND: dict[str, tuple[Callable[[Network, int], int], bool]] = {
    "nothing": (lambda net, y: y, False),
    "gelu": (lambda net, y: net.op("gelu", y), False),
    "relu": (lambda net, y: net.op("relu", y), True),
    "relu and dropout": (lambda net, y: net.op("dropout", net.op("relu", y)), True),
    "relu of what is not zero": (lambda net, y: net.op("mul", net.op("relu", net.op("add", y)), y), False),
    "square": (lambda net, y: net.op("pow", y), True),
    "times itself": (lambda net, y: net.op("mul", y, y), True),
    "two of its functions": (lambda net, y: net.op("mul", *factors(net, y)), True),
    "its sigmoid": (lambda net, y: net.op("mul", y, net.op("sigmoid", y)), False),
    "modulated by it": (lambda net, y: net.op("mul", net.op("add", net.op("lookup", y)), net.op("lookup", y)), False),
    "over a number": (lambda net, y: net.op("div", y), False),
    "over its norm": (lambda net, y: net.op("div", y, net.op("norm", y)), True),
    "over what is not zero": (lambda net, y: net.op("div", y, net.op("add", net.op("norm", y))), False),
    "over another": (lambda net, y: net.op("div", y, net.layer("other", net.x)), False),
    "where positive": (lambda net, y: net.op("where", net.op("gt", y), y), True),
    "where positive, of two": (lambda net, y: net.op("where", net.op("gt", y), y, net.op("expm1", y)), False),
    "times its sign": (lambda net, y: net.op("mul", y, net.op("gt", y)), True),
    "times where it is no less": (lambda net, y: net.op("mul", y, net.op("ge", y)), False),
    "a layer that is not zero": (lambda net, y: net.op("mul", net.layer("other", y), net.op("exp", y)), False),
}


@pytest.mark.parametrize("name", BEHIND)
def test_dead_end(name: str) -> None:
    """A branch is dead where what comes behind its end gives zeros no gradient."""
    behind, is_dead = BEHIND[name]
    net = Network()
    net.add(net.x, behind(net, net.layer("a", net.x)))
    (branch,) = net.structure().branches
    assert branch.dead == is_dead


def test_one_end_is_dead() -> None:
    """One of several ends is enough."""
    net = Network()
    net.add(net.x, net.add(net.layer("a", net.x), net.op("relu", net.layer("b", net.x))))
    assert [branch.dead for branch in net.structure().branches] == [True]


def test_weight_twice_in_series() -> None:
    """A weight that is behind itself in a branch would be two zeros in series; in two branches it is not."""
    net = Network()
    y = net.op("gelu", net.layer("a", net.x))
    net.add(net.x, net.op("linear", y, parameters=("a",)))
    assert [branch.dead for branch in net.structure().branches] == [True]
    net = Network()
    y = net.add(net.x, net.layer("a", net.op("gelu", net.x)))
    net.add(y, net.op("linear", net.op("gelu", y), parameters=("a",)))
    assert [branch.dead for branch in net.structure().branches] == [False, False]


def test_zeros_that_move_later() -> None:
    """A weight behind zeros has no gradient at once, but after they have moved: steps of a recurrence."""
    net = Network()
    state = net.op("tanh", net.layer("into", net.x))
    inside = net.op("linear", net.op("input"), parameters=("into",))
    net.add(net.x, net.op("tanh", net.add(inside, net.layer("state", state))))
    assert [(branch.ends, branch.dead) for branch in net.structure().branches] == [(("state", "into"), False)]


@pytest.mark.parametrize("how", ["own layers", "shared", "bare"])
@pytest.mark.parametrize("tokens", [False, True])
def test_conditions_are_no_shortcuts(how: str, tokens: bool) -> None:
    """What is added to the first input, or to embeddings, on their only way is no shortcut of theirs."""
    net = Network()
    condition = net.op("input")
    x = net.op("embedding", parameters=(net.held("table", "embedding", 9, 4),)) if tokens else net.x
    shared = condition if how == "bare" else net.layer("shared", condition)
    y = net.add(net.layer("a", x), net.layer("b", condition) if how == "own layers" else shared)
    y = net.add(net.layer("c", net.op("gelu", y)), net.layer("d", condition) if how == "own layers" else shared)
    assert net.structure().branches == ()
    assert net.structure().undecided == ()
    net.add(net.layers(y, "e", "f"), net.layer("g", y))
    assert net.ends() == [("f",)]


def test_conditions_inside_branches() -> None:
    """A branch may have inputs that its shortcut has not, where that has the first one; so may any attention."""
    net = Network()
    condition = net.op("input")
    inside = net.add(net.layer("a", net.x), net.layer("t", condition))
    y = net.add(net.layer("b", net.op("gelu", inside)), net.layer("down", net.x))
    net.add(condition, net.layer("out", net.attend(net.layer("q", condition), net.layer("k", y), net.layer("v", y))))
    assert [(branch.ends, branch.outputs) for branch in net.structure().branches] == [(("b",), ()), ((), ("out",))]


def test_equal_sides_of_two_inputs() -> None:
    """Two sides of equal length of which one alone holds the data are no branch, and not asked about."""
    net = Network()
    condition = net.op("input")
    y = net.add(net.layer("a", net.x), net.layer("b", condition))
    net.add(net.layer("c", y), net.layers(condition, "d", "e"))
    assert (net.structure().branches, net.structure().undecided) == ((), ())


def test_quotients_are_looked_through() -> None:
    """A factor that is never zero is one when it is divided, too: shares of experts that sum to one."""
    net = Network()
    shares = net.op("softmax", net.layer("router", net.x))
    shares = net.op("div", shares, net.op("sum", shares))
    net.add(net.x, net.op("mul", shares, net.layers(net.x, "a", "b")))
    assert net.ends() == [("b",)]


@pytest.mark.parametrize(
    ("op", "is_zero", "ends"),
    [
        ("gelu", None, ["a"]),
        ("gelu", True, ["a"]),
        ("gelu", False, []),
        ("softmax", None, []),
        ("softmax", True, ["a"]),
        ("softmax", False, []),
    ],
)
def test_what_is_known_at_zero(op: str, is_zero: bool | None, ends: list[str]) -> None:
    """Where it is known whether zeros stay zeros, the name of an operation does not count."""
    net = Network()
    net.add(net.x, net.op(op, net.layer("a", net.x), is_zero=is_zero))
    assert net.ends() == [tuple(ends)] * bool(ends)


@pytest.mark.parametrize("is_zero", [None, True])
def test_what_is_zero_by_a_difference(is_zero: bool | None) -> None:
    """The exponential less one is known to be zero at zero, whatever its parts are."""
    net = Network()
    first, second = (net.op("exp", net.layer(name, net.x), is_zero=False) for name in "ab")
    net.add(net.x, net.op("sub", net.op("mul", first, second, is_zero=False), is_zero=is_zero))
    assert net.ends() == ([("b", "a")] if is_zero else [])


def test_a_factor_that_is_never_zero() -> None:
    """Of two factors, the one that can be zero is the end of the branch."""
    for names in (("scale", "content"), ("content", "scale")):
        net = Network()
        factors = {
            "scale": net.op("add", net.layer("s", net.x), is_zero=False),
            "content": net.op("tanh", net.layer("a", net.x), is_zero=True),
        }
        net.add(net.x, net.op("mul", *(factors[name] for name in names), is_zero=True))
        assert net.ends() == [("a",)]


def test_behind_the_end() -> None:
    """Scales and multipliers at the end and behind it are listed, those before it are not."""
    net = Network()
    y = net.layer("b", net.norm("before", net.layer("a", net.x)))
    net.nodes[-1] = net.nodes[-1]._replace(parameters=("b", "bias"))
    net.add(net.x, net.op("mul", net.norm("after", y), parameters=("gamma",)))
    (branch,) = net.structure().branches
    assert set(branch.behind) == {"bias", "after", "gamma"}


def test_heads() -> None:
    """All last weights before the outputs are heads, but for ends of branches."""
    net = Network()
    y = net.add(net.x, net.layers(net.x, "a", "b"))
    first, second = net.layer("class", net.op("mean", y)), net.op("tanh", net.layer("box", y))
    joined = net.op("cat", first, second)
    assert net.structure(joined, y).heads == {"class", "box"}


def test_no_head_behind_a_sum() -> None:
    """A network that ends in its last block has no head."""
    net = Network()
    net.norm("n", net.add(net.layer("stem", net.x), net.layers(net.x, "a", "b")))
    assert net.structure().heads == frozenset()


def test_many_ways() -> None:
    """A branch through which very many ways lead takes no longer than one of few."""
    network = Network()
    end = network.layer("first", network.x)
    for _ in range(64):
        end = network.add(network.op("gelu", end), end)
    network.add(network.x, network.layer("last", end))
    assert network.ends() == [("last",)]


def test_steps_are_no_branches() -> None:
    """What a recurrent cell adds in each step is no branch, and the cell as a whole is one."""
    net = Network()
    given = net.layer("in", net.x)
    first = net.op("mul", net.op("sigmoid", given), net.op("tanh", net.op("split", given)))
    state = net.add(net.op("slice", given), net.layer("state", first))
    second = net.add(first, net.op("tanh", net.op("split", state)))
    end = net.op("cat", first, second)
    weights, gated = {"in", "state"}, {"in", "state"}
    assert {branch.ends for branch in structure(net.nodes, [end], net.uses, weights).branches} == {("state",)}
    assert not structure(net.nodes, [end], net.uses, weights, gated).branches
    end = net.add(net.op("dropout", net.x), end)
    (branch,) = structure(net.nodes, [end], net.uses, weights, gated).branches
    assert set(branch.ends) == {"in", "state"}


def test_steps_of_one_weight_are_no_branches() -> None:
    """Nor is what a cell adds to its own state of the step before."""
    net = Network()
    first = net.add(net.x, net.layer("state", net.op("tanh", net.x)))
    end = net.add(first, net.op("linear", net.op("tanh", first), parameters=("state",)))
    assert len(structure(net.nodes, [end], net.uses, {"state"}).branches) == 2
    assert len(structure(net.nodes, [end], net.uses, {"state"}, {"state"}).branches) == 1


def test_sums_have_places() -> None:
    """A sum belongs to the module that the parameters of its sides have in common."""
    nodes = [Node("input"), *(Node("linear", (0,), (name,)) for name in ("one.a.weight", "one.b.weight"))]
    nodes += [Node("add", (1, 2)), Node("add", (1, 0)), Node("add", (0,)), Node("add", (0, 0))]
    weights = {"one.a.weight", "one.b.weight"}
    assert [node.where for node in placed(nodes, weights)] == ["", "", "", "one", "one.a", "", ""]

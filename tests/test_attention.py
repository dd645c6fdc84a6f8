"""Attentions in networks written by hand: how they are found, and what their weights start as."""

from typing import Any

import pytest
from networks import Network, attention

from zero_array.recipes import RECIPES, Parameter, Part, plan


def test_no_head_before_an_attention() -> None:
    """A network that ends in an attention has no head: what makes its query, key and value is none."""
    net = Network()
    net.attend(*(net.layer(name, net.x) for name in "qkv"))
    assert net.structure().heads == frozenset()


def test_fused_attention() -> None:
    """A fused attention names the weights of query, key and value, and whether a branch ends in it."""
    net = Network()
    query, key, value = (net.layer(name, net.x) for name in "qkv")
    bias = net.op("input")
    net.add(net.x, net.layer("out", net.op("transpose", net.op("attention", query, key, value, bias))))
    found = net.structure()
    (attention,) = found.attentions
    assert attention[:3] == ({"q": frozenset()}, {"k": frozenset()}, {"v": frozenset()})
    assert attention.ends_branch
    (branch,) = found.branches
    assert (branch.ends, branch.outputs) == ((), ("out",))


def test_attention_of_two_inputs_is_none() -> None:
    """What is called so, and has no value, is no attention."""
    net = Network()
    net.op("attention", net.layer("q", net.x), net.layer("k", net.x))
    assert net.structure().attentions == ()


@pytest.mark.parametrize("scaled", ["before", "after", "not"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_attention_in_pieces(scaled: str, masked: bool, biased: bool) -> None:
    """Softmax(q k) v is found through scaling, position biases, masks and dropout."""
    net = Network()
    query, key, value = (net.op("view", net.layer(name, net.x)) for name in "qkv")
    if scaled == "before":
        query = net.op("mul", query)
    scores = net.op("matmul", query, net.op("transpose", key))
    if scaled == "after":
        scores = net.op("div", scores)
    if biased:
        scores = net.add(scores, net.op("lookup", net.op("input"), parameters=("table",)))
    if masked:
        scores = net.op("where", scores, net.op("input"))
    weights = net.op("dropout", net.op("softmax", scores))
    net.add(net.x, net.layer("out", net.op("reshape", net.op("matmul", weights, value))))
    (attention,) = net.structure().attentions
    assert [list(weights) for weights in attention[:3]] == [["q"], ["k"], ["v"]]
    assert attention.ends_branch


@pytest.mark.parametrize("kind", ["no softmax", "layer before", "layer inside", "lost", "constant"])
def test_products_that_are_no_attention(kind: str) -> None:
    """A product is an attention only behind a softmax of a product, with no layer between."""
    net = Network()
    q, k, v = (net.layer(name, net.x) for name in "qkv")
    scores = net.op("matmul", q, k)
    if kind == "layer inside":
        scores = net.layer("mix", scores)
    elif kind == "lost":
        scores = net.op("input")
    elif kind == "constant":
        scores = net.op("matmul", q)
    soft = net.op("sigmoid" if kind == "no softmax" else "softmax", scores)
    net.op("matmul", net.layer("mix", soft) if kind == "layer before" else soft, v)
    assert net.structure().attentions == ()


def test_softmax_of_two_inputs_ends_the_search() -> None:
    """Between softmax and value only operations on one activation are looked through."""
    net = Network()
    q, k, v = (net.layer(name, net.x) for name in "qkv")
    soft = net.op("softmax", net.op("matmul", q, k))
    net.op("einsum", net.op("cat", soft, soft), v)
    assert net.structure().attentions == ()


def test_rows_of_packed_weights() -> None:
    """Where query, key and value are views of one layer's output, their rows are known."""
    net = Network()
    packed = net.layer("qkv", net.x, shape=(12, 4))
    views = [net.op("view", net.op("lookup", packed, rows=range(4 * at, 4 * at + 4))) for at in range(3)]
    net.op("attention", *views)
    (attention,) = net.structure().attentions
    assert attention[:3] == tuple({"qkv": frozenset(range(start, start + 4))} for start in (0, 4, 8))


def test_rotated_query() -> None:
    """A position put into query and key by rotation leaves their weights the same."""
    net = Network()
    query, key, value = (net.layer(name, net.x) for name in "qkv")
    query, key = (net.add(net.op("mul", y), net.op("mul", net.op("roll", y))) for y in (query, key))
    net.op("attention", query, key, value)
    (attention,) = net.structure().attentions
    assert [list(weights) for weights in attention[:3]] == [["q"], ["k"], ["v"]]


def test_multihead_module() -> None:
    """A module that is an attention as a whole has its weights listed, and is no head."""
    net = Network()
    for name in ("in", "out"):
        net.held(name, "linear", 4, 4)
    whole = net.op("multihead", net.x, parameters=("in", "out"))
    found = net.structure()
    assert [attention.whole for attention in found.attentions] == [("in", "out")]
    assert not found.attentions[0].ends_branch
    assert found.heads == frozenset()
    net.add(net.x, net.op("dropout", whole))
    found = net.structure()
    assert found.attentions[0].ends_branch
    assert [(branch.ends, branch.outputs) for branch in found.branches] == [((), ("in", "out"))]


def test_attention_before_a_layer_of_its_branch() -> None:
    """An attention with more layers behind its projection ends no branch: those layers do."""
    net = Network()
    core = net.attend(*(net.layer(name, net.x) for name in "qkv"))
    net.add(net.x, net.layers(core, "out", "more"))
    found = net.structure()
    assert [attention.ends_branch for attention in found.attentions] == [False]
    assert [(branch.ends, branch.outputs) for branch in found.branches] == [(("more",), ())]


def test_attention_without_projection_ends_its_branch() -> None:
    """An attention that is added as it is ends the branch by its values."""
    net = Network()
    net.add(net.x, net.attend(*(net.layer(name, net.x) for name in "qkv")))
    found = net.structure()
    assert [attention.ends_branch for attention in found.attentions] == [True]
    assert [(branch.ends, branch.outputs) for branch in found.branches] == [((), ())]


def test_attention_gated_before_its_projection() -> None:
    """A gate between attention and projection is looked through."""
    net = Network()
    core = net.attend(*(net.layer(name, net.x) for name in "qkv"))
    gate = net.op("sigmoid", net.layer("gate", net.x))
    net.add(net.x, net.layer("out", net.op("mul", core, gate)))
    assert [branch.outputs for branch in net.structure().branches] == [("out",)]


def test_fills() -> None:
    """Query identity, key zero; where the attention ends its branch, value zero and output identity."""
    made = attention().plan()
    assert {entry.name: entry.fill for entry in made} == {
        "q": "query identity",
        "k": "key zeros",
        "v": "value zeros",
        "out": "identity",
        "head": "untouched",
    }
    assert made["v"].reason == "values of an attention"
    assert made["out"].reason == "Algorithm 1, 4 -> 4; its values are zero already"


def test_attention_outside_a_branch() -> None:
    """Without a shortcut the values carry the signal: they are not zero."""
    fills = attention(added=False).fills()
    assert (fills["k"], fills["v"], fills["out"]) == ("key zeros", "value identity", "identity")


def test_fills_before_a_layer() -> None:
    """With a layer behind it in its branch, that one alone is zero."""
    fills = attention(behind=("out", "more")).fills()
    assert (fills["v"], fills["out"], fills["more"]) == ("value identity", "identity", "zeros")


def test_values_without_projection() -> None:
    """An attention that is added as it is ends its branch by its values."""
    assert attention(behind=()).fills()["v"] == "value zeros"


def test_attention_by_another_recipe() -> None:
    """A recipe without attention makes the output projection the end of the branch."""
    assert attention().fills("normfree") == dict.fromkeys("qkv", "identity") | {"out": "zeros", "head": "identity"}


@pytest.mark.parametrize("recipe", ["normfree", "transformer"])
@pytest.mark.parametrize("behind", [(), ("out",), ("out", "more"), ("out", "more", "last")], ids=len)
@pytest.mark.parametrize("added", [False, True])
def test_never_two_zeros_in_series(recipe: str, behind: tuple[str, ...], added: bool) -> None:
    """Of value, output and what follows it in a branch, one is zero; outside of a branch none is."""
    fills = attention(behind=behind, added=added).fills(recipe)
    zeros = [name for name in ("v", *behind) if "zeros" in fills[name]]
    is_branch_without_end = added and not behind and recipe == "normfree"
    assert len(zeros) == (added and not is_branch_without_end)


def test_wide_query() -> None:
    """A query that is wider than its input is a Hadamard slice."""
    assert attention(shape=(8, 4)).fills()["q"] == "query hadamard"


@pytest.mark.parametrize("how", ["normalize", "div", "sum"])
def test_keys_that_are_divided(how: str) -> None:
    """Keys that are divided by their own norm are not zero, which has none."""
    net = Network()
    query, key, value = (net.layer(name, net.x) for name in "qkv")
    again = net.op("gelu", key)
    divided = {
        "normalize": lambda: net.op("normalize", key),
        "div": lambda: net.op("div", key, net.op("norm", key)),
        "sum": lambda: net.op("add", net.op("gelu", again), net.op("tanh", again)),
    }[how]()
    net.add(net.x, net.layer("out", net.attend(query, divided, value)))
    assert net.fills()["k"] == ("key zeros" if how == "sum" else "key identity")


def test_output_that_narrows() -> None:
    """Behind values that are zero, an identity that narrows would have columns of zeros: it is zero, they are not."""
    net = Network()
    core = net.attend(*(net.layer(name, net.x, shape=(8, 4)) for name in "qkv"))
    net.add(net.x, net.layer("out", core, shape=(4, 8)))
    made = net.plan()
    assert {entry.name: entry.fill for entry in made} == {
        "q": "query hadamard",
        "k": "key zeros",
        "v": "value hadamard",
        "out": "zeros",
    }
    assert made["out"].reason == "last weight of a residual branch"


def test_attentions_side_by_side() -> None:
    """All attentions that one layer projects end its branch; beside anything else none does."""
    for beside in (False, True):
        net = Network()
        cores = [net.attend(*(net.layer(f"{name}{number}", net.x) for name in "qkv")) for number in range(2)]
        more = [net.layer("more", net.x)] if beside else []
        net.add(net.x, net.layer("out", net.op("cat", *cores, cores[0], *more), shape=(4, 4)))
        found = net.structure()
        assert [attention.ends_branch for attention in found.attentions] == [not beside] * 2
        assert [(branch.ends, branch.outputs) for branch in found.branches] == [
            (("out",), ()) if beside else ((), ("out",))
        ]


@pytest.mark.parametrize("first", ["common", "input"])
def test_attention_beside_a_shortcut(first: str) -> None:
    """What is projected together with a shortcut isn't zero by its values."""
    net = Network()
    core = net.attend(*(net.layer(name, net.x) for name in "qkv"))
    net.add(net.x, net.layer("out", net.op("cat", net.x if first == "common" else net.op("input"), core)))
    assert [(branch.ends, branch.outputs) for branch in net.structure().branches] == [(("out",), ())]


def packed(*rows: Any) -> Network:
    """An attention whose query, key and value are views of one layer's output."""
    net = Network()
    y = net.layer("qkv", net.x, shape=(12, 4))
    core = net.op("attention", *(net.op("lookup", y, rows=some) for some in rows))
    net.add(net.x, net.layer("out", core))
    return net


def test_packed_rows() -> None:
    """Rows one role after the other become three parts."""
    entry = packed(range(4), range(4, 8), range(8, 12)).plan()["qkv"]
    assert entry.parameter.parts == (Part("query", 4), Part("key", 4), Part("value", 4))
    assert entry.fill == "query identity, key zeros, value zeros"
    assert entry.reason == "Algorithm 1, 4 -> 4; keys and values of an attention"


def test_interleaved_rows() -> None:
    """Rows head by head become parts that make one matrix of each role."""
    entry = packed((0, 1, 6, 7), (2, 3, 8, 9), (4, 5, 10, 11)).plan()["qkv"]
    assert [part.label for part in entry.parameter.parts] == ["query", "key", "value"] * 2
    assert entry.fill == "query identity, key zeros, value zeros"
    query = [content for _, _, content in entry.blocks() if not isinstance(content, float)]
    assert [(item.outputs, item.window) for item in query] == [(4, ((0, 2), (0, 4))), (4, ((2, 4), (0, 4)))]


@pytest.mark.parametrize("rows", [(None, None, None), (range(4), range(3, 7), range(8, 12))], ids=["unknown", "shared"])
def test_rows_that_cannot_be_told(rows: Any) -> None:
    """Where rows are not known, or have two roles, the plan is refused, and an override decides."""
    with pytest.raises(ValueError, match=r"^it can't be told which rows of qkv make query, key, value \(it mostly"):
        packed(*rows).plan()
    assert packed(*rows).plan(overrides={"qkv": "untouched"})["qkv"].fill == "untouched"


def test_multihead_fills() -> None:
    """A module that the adapter labelled gets its fills by label; its own output is identity."""
    net = Network()
    roles = tuple(Part(label, 4) for label in ("query", "key", "value"))
    names = net.held("in", "linear", 12, 4, parts=roles), net.held("out", "linear", 4, 4)
    net.add(net.x, net.op("multihead", net.x, parameters=names))
    assert net.fills() == {"in": "query identity, key zeros, value zeros", "out": "identity"}
    assert net.fills("normfree") == {"in": "identity in each of 3 parts", "out": "zeros"}


def test_override_of_a_labelled_weight() -> None:
    """A matrix asked for a packed weight is one for each part."""
    parts = (Part("query", 4), Part("key", 4))
    made = plan([Parameter("x", "linear", (8, 4), parts=parts)], RECIPES["mlp"], overrides={"x": "identity"})
    assert made["x"].fill == "identity in each of 2 parts"

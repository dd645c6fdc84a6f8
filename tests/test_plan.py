"""A plan: how it prints, filters, compares, is saved, and what its blocks hold."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy
import pytest
from networks import Network

import zero_array
from zero_array._build import build
from zero_array._namespace import namespace
from zero_array.recipes import RECIPES, Entry, Parameter, Part, Plan, Recipe, plan

PARAMETERS = [
    Parameter("stem.weight", "conv", (8, 3, 3, 3)),
    Parameter("stem.bias", "bias", (8,)),
    Parameter("rnn.weight", "recurrent", (8, 8), parts=(Part("reset", 4), Part("new", 4))),
    Parameter("scale", "scale", ()),
    Parameter("tokens.weight", "embedding", (9, 8), aliases=("head.weight",)),
]


def made(**overrides: Any) -> Plan:
    """A plan of one parameter of each sort."""
    return plan(
        PARAMETERS, RECIPES["mlp"], overrides={name.replace("_", "."): fill for name, fill in overrides.items()}
    )


TABLE = """
parameter      shape    fill                         reason
stem.weight    8x3x3x3  hadamard                     Algorithm 2, 3 -> 8
stem.bias      8        zeros                        bias
rnn.weight     8x8      identity in each of 2 parts  Algorithm 1, 8 -> 4
scale          -        ones                         multiplier
tokens.weight  9x8      untouched                    embedding: not settled by the paper; also head.weight
"""


def test_table() -> None:
    """A plan prints as an aligned table, without spaces at the ends of its lines."""
    assert str(made()) == TABLE.strip()


def test_empty_table() -> None:
    """A plan without entries prints its head."""
    assert str(made().filter("nothing")) == "parameter  shape  fill  reason"


def test_sequence() -> None:
    """A plan has a length, and its entries come in the network's order."""
    assert len(made()) == 5
    assert [entry.name for entry in made()] == [parameter.name for parameter in PARAMETERS]


def test_lookup() -> None:
    """An entry is found by each of its parameter's names."""
    assert made()["head.weight"] is not None
    assert made()["head.weight"] == made()["tokens.weight"]


def test_lookup_of_a_stranger() -> None:
    """Another name is a KeyError with that name."""
    with pytest.raises(KeyError, match=r"^'stem'$"):
        made()["stem"]


FILTERS: list[tuple[tuple[str, ...], dict[str, Any], list[str]]] = [
    ((), {}, ["stem.weight", "stem.bias", "rnn.weight", "scale", "tokens.weight"]),
    (("stem.*",), {}, ["stem.weight", "stem.bias"]),
    (("*.weight",), {"fill": "identity"}, ["rnn.weight"]),
    (("Stem.*",), {}, []),
    ((), {"fill": "zeros"}, ["stem.bias"]),
    ((), {"kind": "embedding"}, ["tokens.weight"]),
    (("stem.*",), {"kind": "bias", "fill": "ones"}, []),
]


@pytest.mark.parametrize(("pattern", "options", "names"), FILTERS, ids=str)
def test_filter(pattern: tuple[str, ...], options: dict[str, Any], names: list[str]) -> None:
    """A filter keeps what matches pattern, fill and kind, in order and unchanged."""
    found = made().filter(*pattern, **options)
    assert [entry.name for entry in found] == names
    assert all(entry == made()[entry.name] for entry in found)
    assert found.recipe == "mlp"


def test_filter_by_no_fill() -> None:
    """A misspelt fill is refused, with what was meant."""
    with pytest.raises(ValueError, match=r"^`fill` must be one of .*; got 'zero': did you mean 'zeros'\?$"):
        made().filter(fill="zero")  # type: ignore[arg-type]  # the mistake under test


def test_filter_by_no_kind() -> None:
    """So is a misspelt kind."""
    with pytest.raises(ValueError, match=r"^`kind` must be one of linear, .*; got 'lineer': did you mean 'linear'\?$"):
        made().filter(kind="lineer")  # type: ignore[arg-type]  # the mistake under test


def test_differences() -> None:
    """Two plans differ where an entry does, or where only one has it."""
    changed = made(stem_bias="ones")
    assert made().differences(made()) == []
    assert made().differences(changed) == [("stem.bias", "zeros", "ones")]
    assert made().filter("scale").differences(changed.filter("stem.bias")) == [
        ("scale", "ones", "absent"),
        ("stem.bias", "absent", "ones"),
    ]


def test_difference_of_scales() -> None:
    """Entries of equal fills and different constants differ."""
    other = plan(PARAMETERS, replace(RECIPES["mlp"], scale="paper"))
    assert ("stem.weight", "hadamard", "hadamard") in made().differences(other)


def attention() -> Plan:
    """A plan with parts that repeat, aliases, a gain and its direction."""
    net = Network()
    roles = tuple(Part(label, 2) for label in ("query", "key", "value") * 2)
    names = net.held("in", "linear", 12, 4, parts=roles), net.held("out", "linear", 4, 4, aliases=("tied",))
    net.add(net.x, net.op("multihead", net.x, parameters=names))
    net.held("gain", "gain", 4, 1, direction="out")
    net.held("kernel", "conv", 4, 4, 3, 2, center=(0, 1), groups=1)
    net.held("same", "conv", 4, 1, 4, center="same", groups=4, transposed=False, is_divided=True)
    return net.plan()


@pytest.mark.parametrize("given", [made(), attention(), made().filter("nothing")], ids=["plain", "attention", "empty"])
def test_json(given: Plan) -> None:
    """A plan that was saved and loaded is equal, hashable, and prints and writes the same."""
    again = Plan.from_json(given.to_json())
    assert again == given
    assert hash(again) == hash(given)
    assert str(again) == str(given)
    assert [list(entry.blocks()) for entry in again] == [list(entry.blocks()) for entry in given]


IS_NONE = "`text` must be what Plan.to_json returned; got "
NO_PLANS: list[tuple[str, str]] = [
    ("", IS_NONE + "no JSON (JSONDecodeError: Expecting value: line 1 column 1 (char 0))"),
    ("{'recipe': 'mlp'}", IS_NONE + "no JSON (JSONDecodeError: Expecting property name enclosed in double quotes: "),
    ("[" * 10**5, IS_NONE + "no JSON (RecursionError: "),
    ("[]", IS_NONE + "JSON that is a list, and no object"),
    ("{}", IS_NONE + "JSON without 'recipe'"),
    ('{"recipe": "mlp", "entries": [], "more": 1}', IS_NONE + "JSON with 'more', which is unknown"),
    ('{"recipe": 3, "entries": []}', IS_NONE + "recipe that is 3, and no str"),
    ('{"recipe": "mlp", "entries": {}}', IS_NONE + "entries that is a dict, and no list"),
    ('{"recipe": "mlp", "entries": [3]}', IS_NONE + "entries[0] that is 3, and no object"),
]


@pytest.mark.parametrize(("text", "message"), NO_PLANS, ids=range(len(NO_PLANS)))
def test_text_of_no_plan(text: str, message: str) -> None:
    """Text that is no plan is refused in one sentence, which says where it is none."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Plan.from_json(text)


CHANGED: list[tuple[str, str, str]] = [
    ('"hadamard"', '"banana"', IS_NONE + "entries[0].fills[0][1] that is 'banana', and none of identity, hadamard, "),
    ('"conv"', '"lineer"', IS_NONE + "entries[0].parameter.kind that is 'lineer', and none of linear, conv, "),
    ('"orthonormal"', '"banana"', IS_NONE + "entries[0].scale that is 'banana', and none of orthonormal, paper"),
    ('"shape"', '"form"', IS_NONE + "entries[0].parameter without 'shape'"),
    ('"groups"', '"group"', IS_NONE + "entries[0].parameter with 'group', which is unknown"),
    ('"is_divided": false', '"is_divided": 0', IS_NONE + "entries[0].parameter.is_divided that is 0, and no bool"),
    ('"stem.weight"', "null", IS_NONE + "entries[0].parameter.name that is None, and no str"),
    ("  3,", "  3.5,", IS_NONE + "entries[0].parameter.shape[1] that is 3.5, and no int"),
    ('"new",', "", IS_NONE + "entries[2].parameter.parts[1] that is a list of 1, and not of 2"),
    ('"out_axis": 0', '"out_axis": 4', "`out_axis` must be an int from -4 to 3 for a shape of 4 axes; got 4"),
    ('"reset",\n      4', '"reset",\n      5', "`parts` must add up to the out axis of rnn.weight, 8; got 9"),
    ('"reset"', '"rest"', "`fills` must have one fill for each part of rnn.weight, ['new', 'rest']; got ['reset', "),
]


@pytest.mark.parametrize(("old", "new", "message"), CHANGED, ids=range(len(CHANGED)))
def test_text_of_a_changed_plan(old: str, new: str, message: str) -> None:
    """A plan that was edited wrongly is refused when it is read, and not silently skipped when it is written."""
    text = made().to_json()
    assert old in text
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Plan.from_json(text.replace(old, new, 1))


def test_a_plan_of_fewer_fields() -> None:
    """Fields that have a default may be missing, as in a plan that an older version saved."""
    data = json.loads(made().to_json())
    for entry in data["entries"]:
        del entry["parameter"]["center"]
    assert Plan.from_json(json.dumps(data)) == made()


def test_entries_are_checked() -> None:
    """So is one that was made in Python; a parameter without axes has one output."""
    with pytest.raises(ValueError, match=r"^`fills\['scale'\]` must be one of identity, .*; got 'one': did you mean"):
        replace(made()["scale"], fills=(("", "one"),))  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match=r"^`kind` must be one of linear, .*; got 'lineer': did you mean 'linear'\?$"):
        Parameter("x", "lineer", (2, 2))  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match=r"^`parts` must add up to the out axis of x, 1; got 2$"):
        Parameter("x", "scale", (), parts=(Part("a", 2),))


RECIPE_OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"branch_end": "q"}, ValueError, "`branch_end` must be 'weight' or 'norm'; got 'q'"),
    ({"head": None}, TypeError, "`head` must be 'algorithm1' or 'zeros' or 'keep'; got None"),
    ({"branches": "no"}, ValueError, "`branches` must be True or False; got 'no'"),
    ({"attention": 1}, TypeError, "`attention` must be True or False; got 1"),
    ({"order": "Exact"}, ValueError, "`order` must be 'pad' or 'exact' or 'auto'; got 'Exact'"),
]


@pytest.mark.parametrize(("options", "error", "message"), RECIPE_OPTIONS, ids=str)
def test_recipes_are_checked(options: dict[str, Any], error: type[Exception], message: str) -> None:
    """A recipe with an option that there is not is refused when it is made."""
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Recipe("x", **options)


def array(entry: Entry) -> numpy.ndarray[Any, Any]:
    """A parameter of twos, filled as an entry says."""
    parameter = entry.parameter
    result = numpy.full(parameter.shape, 2.0)
    for start, stop, content in entry.blocks():
        part = numpy.moveaxis(result.reshape(parameter.shape or (1,)), parameter.out_axis, 0)[start:stop]
        if isinstance(content, float):
            part[:] = content
        else:
            values = build(namespace(numpy), content, numpy.float64, None, "auto")
            part[:] = numpy.moveaxis(values, parameter.out_axis, 0)
    return result


BLOCKS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((8, 4), {}),
    ((4, 8), {"in_axis": 0, "out_axis": 1}),
    ((12, 2, 3, 4), {"groups": 3}),
    ((12, 2, 3, 4), {"center": "same"}),
    ((4, 4, 4), {"center": -1}),
]


@pytest.mark.parametrize(("shape", "options"), BLOCKS, ids=str)
def test_blocks(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """The blocks of a matrix are what the constructor makes; of a constant, that constant; else nothing."""
    given = [Parameter("x", "linear", shape, **options)]
    assert numpy.array_equal(array(plan(given, RECIPES["mlp"])["x"]), zero_array.zero_init(shape, **options))
    for fill, value in (("zeros", 0.0), ("ones", 1.0), ("untouched", 2.0)):
        overrides: Any = {"x": fill}
        assert (array(plan(given, RECIPES["mlp"], overrides=overrides)["x"]) == value).all()


def test_blocks_of_parts() -> None:
    """The rows of one label make one matrix, though they lie apart; another label's make another."""
    parts = (Part("a", 2), Part("b", 3), Part("a", 4), Part("b", 1))
    filled = array(plan([Parameter("x", "recurrent", (10, 3), parts=parts)], RECIPES["mlp"])["x"])
    first, second = [0, 1, 5, 6, 7, 8], [2, 3, 4, 9]
    assert numpy.array_equal(filled[first], zero_array.zero_init((6, 3)))
    assert numpy.array_equal(filled[second], zero_array.zero_init((4, 3)))


def test_blocks_of_a_transposed_kernel() -> None:
    """Of a transposed layer each group of inputs holds its own block, transposed."""
    parameter = Parameter("x", "conv", (4, 3, 3), out_axis=1, in_axis=0, groups=2, transposed=True)
    filled = array(plan([parameter], RECIPES["mlp"])["x"])
    block = zero_array.zero_init((3, 2, 3)).swapaxes(0, 1)
    assert numpy.array_equal(filled, numpy.concatenate([block, block]))


def test_block_of_a_scalar() -> None:
    """A parameter without axes is one element."""
    assert array(made()["scale"]) == 1.0
    assert [tuple(block) for block in made()["scale"].blocks()] == [(0, 1, 1.0)]

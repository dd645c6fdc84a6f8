"""Every refusal, word for word: the argument, what it must be, what it was."""

import re
import sys
from itertools import repeat
from types import ModuleType
from typing import Any, NamedTuple

import numpy
import pytest

import zero_array


class Bad(NamedTuple):
    """A call that must fail: the options and shape given, the error expected."""

    error: type[Exception]
    message: str
    options: dict[str, Any]
    shape: Any = (8, 4, 3)


def _bad(error: type[Exception], message: str, shape: Any = (8, 4, 3), **options: Any) -> Bad:
    return Bad(error, message, options, shape)


SHAPES = [
    _bad(TypeError, "`shape` must be two or more ints >= 1; got 4: pass a tuple of ints", 4),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got None: pass a tuple of ints", None),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got '42': pass a tuple of ints", "42"),
    _bad(TypeError, r"`shape` must be two or more ints >= 1; got b'\x04\x02': pass a tuple of ints", b"\x04\x02"),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got {4}: pass a tuple of ints", {4}),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got repeat(4, 2): pass a tuple of ints", repeat(4, 2)),
    _bad(
        TypeError, "`shape` must be two or more ints >= 1; got array([4, 2]): pass a tuple of ints", numpy.array([4, 2])
    ),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got (4, 2.0)", (4, 2.0)),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got (4, True)", (4, True)),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got (4, None)", (4, None)),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got ('4', '2')", ("4", "2")),
    _bad(TypeError, "`shape` must be two or more ints >= 1; got ((4, 2), 3)", ((4, 2), 3)),
    _bad(ValueError, "`shape` must be two or more ints >= 1; got (3, 0)", (3, 0)),
    _bad(ValueError, "`shape` must be two or more ints >= 1; got (-1, 4)", (-1, 4)),
    _bad(ValueError, "`shape` must be two or more ints >= 1; got (4,)", (4,)),
    _bad(ValueError, "`shape` must be two or more ints >= 1; got ()", ()),
    _bad(ValueError, "`shape` must be two or more ints >= 1; got []", []),
    _bad(ValueError, "`shape` must have no axis longer than 2**31; got (2147483649, 2)", (2**31 + 1, 2)),
]

AXES = [
    _bad(ValueError, "`in_axis` must be an int from -3 to 2 for a shape of 3 axes; got 3", in_axis=3),
    _bad(ValueError, "`in_axis` must be an int from -3 to 2 for a shape of 3 axes; got -4", in_axis=-4),
    _bad(ValueError, "`out_axis` must be an int from -3 to 2 for a shape of 3 axes; got 7", out_axis=7),
    _bad(TypeError, "`in_axis` must be an int from -3 to 2 for a shape of 3 axes; got 1.0", in_axis=1.0),
    _bad(TypeError, "`in_axis` must be an int from -3 to 2 for a shape of 3 axes; got True", in_axis=True),
    _bad(TypeError, "`out_axis` must be an int from -3 to 2 for a shape of 3 axes; got None", out_axis=None),
    _bad(TypeError, "`out_axis` must be an int from -3 to 2 for a shape of 3 axes; got (0, 1)", out_axis=(0, 1)),
    _bad(
        ValueError,
        "`in_axis` and `out_axis` must be different axes; got 0 and 0 for a shape of 3 axes",
        in_axis=0,
    ),
    _bad(
        ValueError,
        "`in_axis` and `out_axis` must be different axes; got 2 and -1 for a shape of 3 axes",
        in_axis=2,
        out_axis=-1,
    ),
]

GROUPS = [
    _bad(ValueError, "`groups` must be an int >= 1; got 0", groups=0),
    _bad(ValueError, "`groups` must be an int >= 1; got -2", groups=-2),
    _bad(TypeError, "`groups` must be an int >= 1; got 2.0", groups=2.0),
    _bad(TypeError, "`groups` must be an int >= 1; got True", groups=True),
    _bad(TypeError, "`groups` must be an int >= 1; got None", groups=None),
    _bad(ValueError, "`groups` must divide the length of the out axis; got 3 groups for 8 outputs", groups=3),
    _bad(ValueError, "`groups` must divide the length of the out axis; got 16 groups for 8 outputs", groups=16),
    _bad(
        ValueError,
        "`groups` must divide the length of the out axis; got 2 groups for 3 outputs",
        groups=2,
        out_axis=-1,
    ),
]

SCALES = [
    _bad(ValueError, "`scale` must be 'orthonormal' or 'paper'; got 'Paper'", scale="Paper"),
    _bad(ValueError, "`scale` must be 'orthonormal' or 'paper'; got ''", scale=""),
    _bad(TypeError, "`scale` must be 'orthonormal' or 'paper'; got 1.0", scale=1.0),
    _bad(TypeError, "`scale` must be 'orthonormal' or 'paper'; got None", scale=None),
]

ORDERS = [
    _bad(ValueError, "`order` must be 'pad', 'exact' or 'auto'; got 'Exact'", order="Exact"),
    _bad(TypeError, "`order` must be 'pad', 'exact' or 'auto'; got 8", order=8),
    _bad(
        ValueError,
        "`order` must be 'pad' or 'auto' where no Hadamard matrix of the order can be built; got 'exact' for 92: "
        "the nearest orders are 88 and 96",
        (92, 4),
        order="exact",
    ),
    _bad(ValueError, "`columns` must be 'first' or 'distinct'; got 'last'", columns="last"),
    _bad(TypeError, "`columns` must be 'first' or 'distinct'; got None", columns=None),
]

CENTRES = [
    _bad(ValueError, "`center` must be 'paper', 'same' or one int per kernel axis; got 'middle'", center="middle"),
    _bad(TypeError, "`center` must be 'paper', 'same' or one int per kernel axis; got 1.5", center=1.5),
    _bad(TypeError, "`center` must be 'paper', 'same' or one int per kernel axis; got None", center=None),
    _bad(TypeError, "`center` must be 'paper', 'same' or one int per kernel axis; got True", center=True),
    _bad(TypeError, "`center` must be 'paper', 'same' or one int per kernel axis; got (1.0,)", center=(1.0,)),
    _bad(TypeError, "`center` must be 'paper', 'same' or one int per kernel axis; got ((1,),)", center=((1,),)),
    _bad(TypeError, "`center` must be 'paper', 'same' or one int per kernel axis; got ('paper',)", center=("paper",)),
    _bad(
        ValueError,
        "`center` must be 'paper', 'same' or one int per kernel axis; got (1, 1) for a kernel of (3,)",
        center=(1, 1),
    ),
    _bad(
        ValueError,
        "`center` must be 'paper', 'same' or one int per kernel axis; got 1 for a kernel of (3, 3): write (1, 1)",
        (8, 4, 3, 3),
        center=1,
    ),
    _bad(
        ValueError,
        "`center` must be 'paper', 'same' or one int per kernel axis; got 0 for a kernel of ()",
        (8, 4),
        center=0,
    ),
    _bad(ValueError, "`center` must lie inside the kernel; got 3 for a kernel of (3,)", center=3),
    _bad(ValueError, "`center` must lie inside the kernel; got (-4,) for a kernel of (3,)", center=(-4,)),
]

WHOLE = (0, 8), (0, 4)
WINDOWS = [
    _bad(ValueError, "`window` must be one slice or (start, stop) pair per axis; got 2 for 3 axes", window=WHOLE),
    _bad(ValueError, "`window` must be one slice or (start, stop) pair per axis; got 0 for 3 axes", window=()),
    _bad(TypeError, "`window` must be one slice or (start, stop) pair per axis; got 'all'", window="all"),
    _bad(TypeError, "`window` must be one slice or (start, stop) pair per axis; got 3", window=3),
    _bad(
        TypeError,
        "`window` must be one slice or (start, stop) pair per axis; got slice(0, 8, None)",
        window=slice(0, 8),
    ),
    _bad(TypeError, "`window` must be one slice or (start, stop) pair per axis; got 2 on axis 2", window=(*WHOLE, 2)),
    _bad(
        TypeError,
        "`window` must be one slice or (start, stop) pair per axis; got '03' on axis 2",
        window=(*WHOLE, "03"),
    ),
    _bad(
        TypeError,
        "`window` must be one slice or (start, stop) pair per axis; got (0, 1, 2) on axis 2",
        window=(*WHOLE, (0, 1, 2)),
    ),
    _bad(
        TypeError,
        "`window` must be one slice or (start, stop) pair per axis; got (0.0, 3.0) on axis 2",
        window=(*WHOLE, (0.0, 3.0)),
    ),
    _bad(
        TypeError,
        "`window` must be one slice or (start, stop) pair per axis; got slice(0, 3.0, None) on axis 2",
        window=(*WHOLE, slice(0, 3.0)),
    ),
    _bad(
        TypeError,
        "`window` must be one slice or (start, stop) pair per axis; got (False, True) on axis 2",
        window=(*WHOLE, (False, True)),
    ),
    _bad(ValueError, "`window` must have no step; got slice(0, 3, 2) on axis 2", window=(*WHOLE, slice(0, 3, 2))),
    _bad(
        ValueError,
        "`window` must have no step; got slice(None, None, -1) on axis 2",
        window=(*WHOLE, slice(None, None, -1)),
    ),
    _bad(
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 3 on axis 2; got (0, 4)",
        window=(*WHOLE, (0, 4)),
    ),
    _bad(
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 3 on axis 2; got slice(-4, None, None)",
        window=(*WHOLE, slice(-4, None)),
    ),
    _bad(
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 3 on axis 2; got slice(-1, 0, None)",
        window=(*WHOLE, slice(-1, 0)),
    ),
    _bad(
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 3 on axis 2; got (-2, 3): "
        "only slices count from the end, such as slice(-2, None)",
        window=(*WHOLE, (-2, 3)),
    ),
    _bad(
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 3 on axis 2; got range(0, 4)",
        window=(*WHOLE, range(4)),
    ),
    _bad(ValueError, "`window` must have no step; got range(0, 2, 2) on axis 2", window=(*WHOLE, range(0, 2, 2))),
    _bad(
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 3 on axis 2; got (2, 1)",
        window=(*WHOLE, (2, 1)),
    ),
]

SPACES = [
    _bad(TypeError, "`xp` must be an array namespace; got the package jax: pass jax.numpy", xp=ModuleType("jax")),
    _bad(TypeError, "`xp` must be an array namespace; got the package dask: pass dask.array", xp=ModuleType("dask")),
    _bad(TypeError, "`xp` must be an array namespace; got the package mlx: pass mlx.core", xp=ModuleType("mlx")),
    _bad(TypeError, "`xp` must be an array namespace, the module itself; got the string 'numpy'", xp="numpy"),
    _bad(
        TypeError,
        "`xp` must be an array namespace such as numpy; got an array of type ndarray",
        xp=numpy.zeros((2, 2)),
    ),
    _bad(TypeError, "`xp` must be an array namespace such as numpy; got <module 'sys' (built-in)>", xp=sys),
    _bad(TypeError, "`xp` must be an array namespace such as numpy; got <class 'list'>", xp=list),
    _bad(TypeError, "`xp` must be an array namespace such as numpy; got 1", xp=1),
    _bad(TypeError, "`xp` must be an array namespace such as numpy; got []", xp=[]),
]

_ONE_OF = "`dtype` must be float64, float32, float16 or bfloat16, by name or as the namespace's own object; got "
_ORDER = ": pass 'float32' or the like, and change the byte order of what comes back"
DTYPES = [
    _bad(TypeError, _ONE_OF + "'int32'", dtype="int32"),
    _bad(TypeError, _ONE_OF + "'bool'", dtype="bool"),
    _bad(TypeError, _ONE_OF + "'complex64'", dtype="complex64"),
    _bad(TypeError, _ONE_OF + "'float'", dtype="float"),
    _bad(TypeError, _ONE_OF + "'float8'", dtype="float8"),
    _bad(TypeError, _ONE_OF + "'float32 '", dtype="float32 "),
    _bad(TypeError, _ONE_OF + "'>f4'" + _ORDER, dtype=">f4"),
    _bad(TypeError, _ONE_OF + "dtype('>f4')" + _ORDER, dtype=numpy.dtype(">f4")),
    _bad(TypeError, _ONE_OF + "dtype('int32')", dtype=numpy.dtype("int32")),
    _bad(TypeError, _ONE_OF + "<class 'numpy.int8'>", dtype=numpy.int8),
    _bad(TypeError, _ONE_OF + "<class 'numpy.complex64'>", dtype=numpy.complex64),
    _bad(TypeError, _ONE_OF + "<class 'float'>", dtype=float),
    _bad(TypeError, _ONE_OF + "<class 'object'>", dtype=object),
    _bad(TypeError, _ONE_OF + "32", dtype=32),
]

ALL = [*SHAPES, *AXES, *GROUPS, *SCALES, *ORDERS, *CENTRES, *WINDOWS, *SPACES, *DTYPES]
GRAMMAR = re.compile(r"`\w+`( and `\w+`)? must .+; got .+", re.DOTALL)


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.message)
def test_message(bad: Bad) -> None:
    """A bad argument is refused with the exact sentence, of the one grammar."""
    with pytest.raises((TypeError, ValueError)) as caught:
        zero_array.zero_init(bad.shape, **bad.options)
    assert caught.type is bad.error
    assert str(caught.value) == bad.message
    assert GRAMMAR.fullmatch(bad.message)


_NUMBERS = _ONE_OF.replace(" or bfloat16", ", bfloat16 or a signed integer")
SIGNS: list[tuple[type[Exception], str, Any, dict[str, Any]]] = [
    (TypeError, "`n` must be an int >= 1; got 4.0", 4.0, {}),
    (TypeError, "`n` must be an int >= 1; got (4, 4)", (4, 4), {}),
    (ValueError, "`n` must be an int >= 1; got 0", 0, {}),
    (ValueError, "`n` must not be larger than 2**31; got 4294967296", 2**32, {}),
    (ValueError, "`n` must be an order that can be built; got 92: the nearest are 88 and 96", 92, {}),
    (ValueError, "`n` must be an order that can be built; got 7: the nearest are 4 and 8", 7, {}),
    (ValueError, "`ordering` must be 'natural', 'dyadic' or 'sequency'; got 'walsh'", 8, {"ordering": "walsh"}),
    (TypeError, "`ordering` must be 'natural', 'dyadic' or 'sequency'; got 1", 8, {"ordering": 1}),
    (
        ValueError,
        "`ordering` must be 'natural' where the order is no power of two; got 'sequency' for 12",
        12,
        {"ordering": "sequency"},
    ),
    (
        ValueError,
        "`window` must lie inside the shape, 0 <= start <= stop <= 8 on axis 1; got (0, 9)",
        8,
        {"window": [(0, 8), (0, 9)]},
    ),
    (TypeError, _NUMBERS + "'uint8'", 8, {"dtype": "uint8"}),
    (TypeError, _NUMBERS + "'bool'", 8, {"dtype": "bool"}),
    (TypeError, _NUMBERS + "<class 'numpy.uint8'>", 8, {"dtype": numpy.uint8}),
    (TypeError, _NUMBERS + "'complex64'", 8, {"dtype": "complex64"}),
]


@pytest.mark.parametrize(("error", "message", "n", "options"), SIGNS, ids=[message for _, message, *_ in SIGNS])
def test_message_of_hadamard(error: type[Exception], message: str, n: Any, options: dict[str, Any]) -> None:
    """A bad order, ordering or dtype of a Hadamard matrix is refused with the exact sentence."""
    with pytest.raises((TypeError, ValueError)) as caught:
        zero_array.hadamard(n, **options)
    assert (caught.type, str(caught.value)) == (error, message)
    assert GRAMMAR.fullmatch(message) or "must not" in message


VECTORS = numpy.ones((2, 12))
TRANSFORMS: list[tuple[type[Exception], str, Any, dict[str, Any]]] = [
    (TypeError, "`x` must be an array of an array library; got list: pass numpy.asarray(x)", [1.0, 2.0], {}),
    (TypeError, "`x` must be an array of an array library; got str", "1.0", {}),
    (
        TypeError,
        "`x` must be a plain dense array; got a numpy.matrix: pass numpy.asarray(x)",
        VECTORS.view(numpy.matrix),
        {},
    ),
    (
        TypeError,
        "`x` must be a plain dense array; got a masked one: pass x.filled(0)",
        numpy.ma.masked_equal(VECTORS, 0),
        {},
    ),
    (
        TypeError,
        (
            "`x` must be an array of real floats, complex numbers or integers; got >f4: "
            "pass x.astype(x.dtype.newbyteorder('='))"
        ),
        VECTORS.astype(">f4"),
        {},
    ),
    (TypeError, "`x` must be an array of real floats, complex numbers or integers; got <U3", VECTORS.astype("<U3"), {}),
    (ValueError, "`x` must have one or more axes; got shape ()", numpy.array(1.0), {}),
    (TypeError, "`x` must be an array of real floats, complex numbers or integers; got bool", VECTORS > 0, {}),
    (
        TypeError,
        "`x` must be an array of real floats, complex numbers or integers; got object",
        VECTORS.astype("O"),
        {},
    ),
    (
        ValueError,
        "`x` must have an axis whose length is an order that can be built; got 92 on axis 1: pad it with zeros to 96",
        numpy.ones((2, 92)),
        {},
    ),
    (
        ValueError,
        "`x` must have an axis whose length is an order that can be built; got 0 on axis 0: pad it with zeros to 1",
        numpy.ones((0, 4)),
        {"axis": 0},
    ),
    (ValueError, "`axis` must be an int from -2 to 1 for an array of 2 axes; got 2", VECTORS, {"axis": 2}),
    (TypeError, "`axis` must be an int from -2 to 1 for an array of 2 axes; got None", VECTORS, {"axis": None}),
    (ValueError, "`scale` must be a real number or 'orthonormal'; got 'paper'", VECTORS, {"scale": "paper"}),
    (TypeError, "`scale` must be a real number or 'orthonormal'; got None", VECTORS, {"scale": None}),
    (TypeError, "`scale` must be a real number or 'orthonormal'; got True", VECTORS, {"scale": True}),
    (
        ValueError,
        "`scale` must be a whole number for an array of integers; got 'orthonormal'",
        VECTORS.astype(int),
        {"scale": "orthonormal"},
    ),
    (
        ValueError,
        "`scale` must not be larger than the array's integers, 9223372036854775807 at most; got 9223372036854775808",
        VECTORS.astype(int),
        {"scale": 2**63},
    ),
    (
        ValueError,
        f"`scale` must be a number that a float can hold; got {10**400}",
        VECTORS,
        {"scale": 10**400},
    ),
    (
        ValueError,
        "`ordering` must be 'natural' where the order is no power of two; got 'dyadic' for 12",
        VECTORS,
        {"ordering": "dyadic"},
    ),
]


@pytest.mark.parametrize(
    ("error", "message", "x", "options"), TRANSFORMS, ids=[message for _, message, *_ in TRANSFORMS]
)
def test_message_of_the_transform(error: type[Exception], message: str, x: Any, options: dict[str, Any]) -> None:
    """What cannot be transformed is refused with the exact sentence."""
    with pytest.raises((TypeError, ValueError)) as caught:
        zero_array.hadamard_transform(x, **options)
    assert (caught.type, str(caught.value)) == (error, message)
    assert GRAMMAR.fullmatch(message)


CONSTRUCTORS = [zero_array.identity_init, zero_array.hadamard_init, zero_array.zero_init]
each_constructor = pytest.mark.parametrize("init", CONSTRUCTORS, ids=lambda init: init.__name__)


@each_constructor
def test_every_constructor_checks(init: Any) -> None:
    """All constructors check alike, whatever rule they build by."""
    with pytest.raises(ValueError, match=r"^`groups` must divide the length of the out axis; got 3 groups"):
        init((8, 4), groups=3)


@each_constructor
def test_one_argument_is_positional(init: Any) -> None:
    """``init(4, 2)`` is Python's own TypeError."""
    with pytest.raises(TypeError, match=r"takes 1 positional argument but 2 were given"):
        init(4, 2)


def test_identity_has_no_scale() -> None:
    """An identity takes no scale: there is nothing to scale."""
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'scale'"):
        zero_array.identity_init((4, 2), scale="paper")  # type: ignore[call-arg]  # the mistake under test


def test_generator_is_no_shape() -> None:
    """A generator is refused unread: its length is not known."""
    generator = (size for size in (4, 2))
    with pytest.raises(TypeError, match=r"^`shape` must be two or more ints >= 1; got <generator object"):
        zero_array.zero_init(generator)  # type: ignore[arg-type]  # the mistake under test
    assert list(generator) == [4, 2]


def test_bool_of_numpy_is_no_size() -> None:
    """NumPy's bool is refused as Python's is (its repr differs between releases)."""
    with pytest.raises(TypeError, match=r"^`shape` must be two or more ints >= 1; got \(4, (np\.)?True_?\)$"):
        zero_array.zero_init((4, numpy.True_))  # type: ignore[arg-type]  # the mistake under test


class Size(tuple[int, ...]):
    """A tuple of its own kind, as torch.Size is."""


@pytest.mark.parametrize(
    "shape",
    [[4, 2], Size((4, 2)), (numpy.int64(4), numpy.uint8(2)), range(4, 0, -2), (numpy.array(4), 2)],
    ids=["list", "torch.Size", "integers of NumPy", "range", "0-d array"],
)
def test_shapes_that_are_fine(shape: Any) -> None:
    """Any sequence of whatever Python takes for an index is a shape."""
    assert zero_array.zero_init(shape).shape == (4, 2)


@pytest.mark.parametrize(
    "options",
    [
        {"xp": None},
        {"groups": numpy.int64(1)},
        {"in_axis": numpy.int8(-1), "out_axis": numpy.int8(0)},
        {"center": ()},
        {"window": None},
        {"dtype": numpy.float64},
        {"dtype": numpy.dtype("float64")},
    ],
    ids=str,
)
def test_options_that_are_fine(options: dict[str, Any]) -> None:
    """Each spelling of a default makes the default array."""
    array = zero_array.zero_init((8, 4), **options)
    assert array.dtype == numpy.float64
    assert array.tobytes() == zero_array.zero_init((8, 4)).tobytes()

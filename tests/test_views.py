"""What an array shows after it was reshaped, turned and cut: axes of another, features of a layer."""

from typing import Any

import pytest

from zero_array._planning import _views

BASE = _views.empty((3, 4, 5))

AXES: list[tuple[Any, tuple[int, ...], tuple[int, ...] | None]] = [
    (BASE, (0, 2), (0, 2)),
    (BASE.transpose(2, 0, 1), (0, 1), (2, 0)),
    (BASE.reshape(12, 5), (0,), (0, 1)),
    (BASE.reshape(3, 2, 2, 5), (1, 2), (1,)),
    (BASE.reshape(3, 2, 2, 5), (1,), None),
    (BASE[:, ::-1], (1,), (1,)),
    (BASE[None, :2], (0,), ()),
    (BASE[:, :2], (1,), None),
]


@pytest.mark.parametrize(("view", "dims", "expected"), AXES, ids=range(len(AXES)))
def test_axes(view: Any, dims: tuple[int, ...], expected: tuple[int, ...] | None) -> None:
    """The axes of an array are known by the strides of what shows them, where it shows them whole."""
    assert _views.axes(view, BASE, dims) == expected


def test_is_of() -> None:
    """What had to be copied shows an array no more."""
    assert _views.is_of(BASE.transpose(2, 1, 0), BASE)
    assert not _views.is_of(BASE.transpose(2, 1, 0).reshape(60), BASE)


def test_features() -> None:
    """Each entry is a feature, which the rows of a view count; the last of several axes is the fastest."""
    plain, heads = _views.features((2, 6), (1,)), _views.features((2, 3, 4), (1, 2))
    assert (plain.tolist(), heads.reshape(2, 12).tolist()) == ([list(range(6))] * 2, [list(range(12))] * 2)
    assert _views.rows(plain[:, 2:4]) == range(2, 4)
    assert _views.rows(heads[:, 1:]) == range(4, 12)
    assert _views.rows(heads.transpose(2, 0, 1)[:2]) == (0, 1, 4, 5, 8, 9)
    assert _views.rows(plain[:, :0]) == ()
    assert _views.varying(heads) == {1, 2}

"""Keras on torch: there is no layout to honour."""

import pytest

from zero_array.keras import ZeroInit


def test_no_layout() -> None:
    """Where Keras cannot split a variable, a layout is refused."""
    with pytest.raises(ValueError, match=r"^`layout` must be None on Keras's torch backend; got 'x'$"):
        ZeroInit()((4, 2), layout="x")

"""No call, whatever its arguments, does anything but build the array asked for or refuse in one sentence."""

from collections.abc import Sequence
from typing import Any

import fuzzing
import pytest
from hypothesis import given, settings

from zero_array._commands import _check


@pytest.mark.parametrize("init", fuzzing.INITS, ids=lambda init: init.__name__)
@settings(max_examples=5)
@given(choice=fuzzing.choices())
def test_constructors(init: Any, choice: dict[str, list[Any]]) -> None:
    """Every combination of good and bad arguments."""
    calls, built = fuzzing.check(choice, init)
    assert calls >= 2**7
    assert built >= 1


@settings(max_examples=20)
@given(choice=fuzzing.transforms())
def test_transforms(choice: dict[str, list[Any]]) -> None:
    """The same of the transform, and of whatever it is given for an array."""
    assert fuzzing.check_transforms(choice)[0] == 3**4


@settings(max_examples=100)
@given(arguments=fuzzing.commands)
def test_commands(arguments: Sequence[str]) -> None:
    """Any words after the command's name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_check, "_in_child", fuzzing.no_child)
        assert fuzzing.check_command(arguments) in (0, 2)

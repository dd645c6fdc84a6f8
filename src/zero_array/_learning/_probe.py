"""What the gradients of a model are, now and after some steps of training: on copies of its parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from .. import _host
from .._auditing._findings import Depth
from .._planning._plan import MATRICES, Parameter
from .._typing import Array
from ._twins import leaders, rows, twins

_OF_PARAMETERS, _OF_OUTPUTS = 8, 3  # how many steps are made for new ones, where fewer are asked for


@dataclass
class Probe:
    """What was seen.

    Attributes
    ----------
    now, after : dict of str to float
        Of each parameter that is trained, the largest absolute entry of its gradient; None where none comes back.
    reached : dict of str to int
        After how many steps each parameter had a gradient first; without those that never had one.
    rows : dict of str to array of bool
        Of each weight, which outputs ever had one.
    steps : int
        How many steps were made.
    twins : dict of str to int
        How many outputs of each weight equal an earlier one, in weight, bias and gradient, when it first has one.
    depth : sequence of Depth
        Signal and gradient behind each module.
    strange : sequence of str
        The modules whose output held infinities, or what is no number, in order.
    is_finite : bool
        Whether loss and gradients are numbers.
    """

    now: dict[str, float | None] = field(default_factory=dict)
    after: dict[str, float | None] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    twins: dict[str, int] = field(default_factory=dict)
    depth: Sequence[Depth] = ()
    strange: Sequence[str] = ()
    is_finite: bool = True


class Training(Protocol):
    """Copies of a model's parameters, which can be trained."""

    @property
    def depth(self) -> Sequence[Depth]:
        """Signal and gradient behind each module, when the first gradients were made."""

    @property
    def strange(self) -> Sequence[str]:
        """The modules whose output held infinities, or what is no number, then."""

    @property
    def trained(self) -> Mapping[str, Array]:
        """The parameters as they are by now, arrays that `_host` knows."""

    def gradients(self) -> Mapping[str, Array | None]:
        """The gradient by each; None where none comes back."""

    def step(self, gradients: Mapping[str, Any]) -> None:
        """Take one step of Adam with learning rate 0.001."""


def probe(training: Training, held: Sequence[Parameter], steps: int) -> Probe:
    """Take `steps` steps, and as many more as new outputs of layers come to have a gradient."""
    found = Probe()
    values = training.trained
    matrices = [item for item in held if item.kind in MATRICES and item.name in values]
    first = {item.name: leaders(item, values[item.name]) for item in matrices}
    while True:
        gradients = training.gradients()
        sizes = {name: None if item is None else _largest(item) for name, item in gradients.items()}
        if not found.steps:
            found.now, found.depth, found.strange = sizes, training.depth, training.strange
        if found.steps == steps:
            found.after = sizes
        found.is_finite = all((size or 0) < inf for size in sizes.values())
        if not found.is_finite:
            return found
        new = {name for name, size in sizes.items() if size and name not in found.reached}
        for item in matrices:
            if item.name in new:
                found.twins[item.name] = twins(item, first[item.name], training.trained, gradients)
        found.reached |= dict.fromkeys(new, found.steps)
        is_growing = _reach(found, matrices, gradients) and found.steps < _OF_OUTPUTS
        is_growing |= bool(new) and found.steps < _OF_PARAMETERS
        if found.steps >= steps and not (is_growing and _is_waiting(found)):
            return found
        training.step(gradients)
        found.steps += 1


def _largest(array: Array) -> float:
    """The largest absolute entry; what is no number stays none."""
    host = _host.to_floats(array)
    return float(max(host.max(), -host.min()))


def _reach(found: Probe, matrices: Sequence[Parameter], gradients: Mapping[str, Array | None]) -> bool:
    """Note which outputs of layers have a gradient now; whether any is new."""
    is_new = False
    for item in matrices:
        gradient = gradients[item.name]
        if gradient is not None:
            now = (rows(item, gradient) != 0).any(1)
            before = found.rows.get(item.name)
            is_new |= bool((now if before is None else now & ~before).any())
            found.rows[item.name] = now if before is None else now | before
    return is_new


def _is_waiting(found: Probe) -> bool:
    """Whether anything never had a gradient yet."""
    return len(found.reached) < len(found.now) or not all(bool(item.all()) for item in found.rows.values())

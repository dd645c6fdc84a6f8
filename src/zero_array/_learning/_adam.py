"""Adam, by the arithmetic of whatever arrays it is given."""

from collections.abc import Mapping
from typing import Any


class Adam:
    """Adam with learning rate 0.001, betas 0.9 and 0.999, epsilon 1e-8: torch's own defaults."""

    def __init__(self) -> None:
        self.steps = 0
        self._moments: dict[str, tuple[Any, Any]] = {}

    def step(self, values: Mapping[str, Any], gradients: Mapping[str, Any]) -> dict[str, Any]:
        """The values after one step; without a gradient they stay."""
        self.steps += 1
        new = dict(values)
        for name, gradient in gradients.items():
            if gradient is not None:
                first, second = self._moments.get(name, (0.0, 0.0))
                first = 0.9 * first + 0.1 * gradient
                second = 0.999 * second + 0.001 * gradient * gradient
                self._moments[name] = first, second
                root = (second / (1 - 0.999**self.steps)) ** 0.5
                new[name] = values[name] - 1e-3 * (first / (1 - 0.9**self.steps)) / (root + 1e-8)
        return new

"""What a program that plans a network, without a framework, looks like: ``python examples/typed/plans.py``."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

import zero_array
from zero_array.recipes import RECIPES, Parameter, Plan, plan


def network(widths: list[int]) -> list[Parameter]:
    """The parameters of an MLP."""
    found: list[Parameter] = []
    for number, (into, out) in enumerate(pairwise(widths)):
        found += [Parameter(f"{number}.weight", "linear", (out, into)), Parameter(f"{number}.bias", "bias", (out,))]
    return found


def build(chosen: Plan) -> dict[str, npt.NDArray[np.float64]]:
    """The arrays of a plan, where each parameter has one fill."""
    arrays: dict[str, npt.NDArray[np.float64]] = {}
    for entry in chosen:
        shape = entry.parameter.shape
        match entry.fill:
            case "identity":
                arrays[entry.name] = zero_array.identity_init(shape)
            case "hadamard":
                arrays[entry.name] = zero_array.hadamard_init(shape, scale=entry.scale, order=entry.order)
            case _:
                arrays[entry.name] = np.zeros(shape)
    return arrays


def main() -> None:
    """Plan, build, and be refused."""
    chosen = plan(network([4, 8, 2]), RECIPES["mlp"], overrides={"1.weight": "zeros"})
    print(chosen)
    arrays = build(chosen)
    assert arrays["0.weight"].shape == (8, 4)
    assert not arrays["1.weight"].any()
    try:
        plan(network([4, 2]), RECIPES["mlp"], overrides={"0.weight": "zero"})  # type: ignore[dict-item]  # no such fill
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    main()

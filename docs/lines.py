"""Run the lines of the README that show one library each, which doctest does not see: ``python docs/lines.py``.

On the CPU alone, with NumPy in CuPy's place.
"""

import re
from pathlib import Path

import jax
import keras
import mlx.core
import numpy
import torch
from flax import nnx

import zero_array.dask
import zero_array.jax
import zero_array.torch
from zero_array.keras import ZeroInit

README = Path(__file__).parent.parent / "README.md"


def run() -> None:
    """Evaluate each line."""
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names = {
        "ZeroInit": ZeroInit,
        "cupy": numpy,
        "jax": jax,
        "keras": keras,
        "layer": torch.nn.Linear(3, 4),
        "mlx": mlx,
        "nnx": nnx,
        "rngs": nnx.Rngs(0),
        "sharding": jax.sharding.SingleDeviceSharding(jax.devices()[0]),
        "torch": torch,
        "zero_array": zero_array,
    }
    for line in block.replace('device="cuda"', 'device="cpu"').splitlines():
        eval(line, names)


if __name__ == "__main__":
    run()

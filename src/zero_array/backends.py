"""The table of backends: which array libraries are tested, and what each can express.

One record per library. The tests, the command line and the support table of the documentation all read it.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import packages_distributions, version
from typing import Any

from . import _checks
from ._typing import Device, Namespace

DTYPES = ("float64", "float32", "float16", "bfloat16")
"""The dtypes that a weight can have, by name."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One array library.

    Attributes
    ----------
    name : str
        What the command line and the tests call it.
    module : str
        The namespace to pass as ``xp``.
    dtypes : tuple of str
        Those of `DTYPES` that its arrays can have.
    gpu : str or None
        What ``:gpu`` stands for among its devices; None where it runs on the CPU alone.
    lazy, jit, sharded : str
        How it defers, compiles and splits work, empty where it does not.
    note : str
        What a user must know to get there.
    """

    name: str
    module: str
    dtypes: tuple[str, ...] = DTYPES
    gpu: str | None = None
    lazy: str = ""
    jit: str = ""
    sharded: str = ""
    note: str = ""

    def namespace(self) -> Namespace:
        """Import the library and return its namespace."""
        return import_module(self.module)

    def version(self) -> str | None:
        """The installed version; None where the library is not installed."""
        projects = packages_distributions().get(self.module.partition(".")[0])
        return version(projects[0]) if projects else None

    def device(self, text: str) -> Device | None:
        """The device object that ``text`` names, None where it is empty; ``"gpu"`` means the same for all."""
        if not text:
            return None
        if text == "gpu":
            if self.gpu is None:
                raise _checks.no_gpu(self.name)
            text = self.gpu
        xp: Any = self.namespace()
        match self.name:
            case "cupy":
                return xp.cuda.Device(int(text))
            case "jax":
                kind, _, number = text.partition(":")
                return import_module("jax").devices(kind)[int(number or 0)]
            case "mlx":
                return getattr(xp, text)
            case "strict":
                return xp.Device(text if text != "cpu" else "CPU_DEVICE")
        return text


BACKENDS = (
    Backend("numpy", "numpy", note="bfloat16 needs ml_dtypes"),
    Backend("strict", "array_api_strict", dtypes=("float64", "float32"), note="the standard's own test library"),
    Backend("torch", "torch", gpu="cuda", lazy="meta, FakeTensor", jit="torch.compile", sharded="DTensor, in place"),
    Backend(
        "jax",
        "jax.numpy",
        gpu="gpu",
        lazy="eval_shape",
        jit="jax.jit",
        sharded="out_shardings, device=",
        note="float64 needs jax_enable_x64",
    ),
    Backend("dask", "dask.array", lazy="always", sharded="chunks", note="bfloat16 needs ml_dtypes"),
    Backend("mlx", "mlx.core", lazy="until read", note="float64 on the CPU only; takes no device"),
    Backend(
        "cubed",
        "cubed",
        dtypes=("float64", "float32", "float16"),
        lazy="always",
        sharded="chunks",
        note="its store has no bfloat16",
    ),
    Backend("ndonnx", "ndonnx", dtypes=("float64", "float32", "float16"), note="constants of an ONNX graph"),
    Backend("cupy", "cupy", gpu="0", note="bfloat16 needs ml_dtypes; not run by our continuous tests"),
    Backend("dpnp", "dpnp", dtypes=("float64", "float32", "float16"), gpu="gpu", note="not in the default tests"),
)


def backend(name: str) -> Backend:
    """The record called ``name``."""
    for record in BACKENDS:
        if record.name == name:
            return record
    raise _checks.no_backend(name, (record.name for record in BACKENDS))


def support_table() -> str:
    """The table of backends as Markdown: what the README shows."""
    heading = ["`xp`", *DTYPES, "GPU", "lazy", "compiled", "sharded", "note"]
    lines = [heading, ["---"] * len(heading)]
    for record in BACKENDS:
        dtypes = ["yes" if dtype in record.dtypes else "no" for dtype in DTYPES]
        gpu = "no" if record.gpu is None else "yes"
        rest = [text or "no" for text in (record.lazy, record.jit, record.sharded)]
        lines.append([f"`{record.module}`", *dtypes, gpu, *rest, record.note])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"

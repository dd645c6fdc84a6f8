"""Argument checks and messages of the audit and of the files that it reads, in the grammar of `_checks`."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from .. import _checks
from .._typing import Shape

ROUNDINGS = ("bfloat16", "float16")


def weights(value: Any) -> None:
    """Check that there are names to arrays."""
    if not isinstance(value, Mapping):
        raise TypeError(
            f"`weights` must map names to arrays, or be the path of a file of them; got {type(value).__name__}: pass "
            "model.state_dict(), or such a dict"
        )


def no_array(name: str, value: Any) -> TypeError:
    """The refusal of a value that is no array."""
    return TypeError(f"`weights` must map names to arrays; got {type(value).__name__} for {name!r}")


def no_values(name: str) -> ValueError:
    """The refusal of an array whose values are not there."""
    return ValueError(f"`weights` must have values; got {name!r} on the meta device: materialize the model first")


def pair(value: Any, name: str, shape: Shape) -> tuple[int, int]:
    """Check an ``(out_axis, in_axis)`` for an array; they come back counted from the front."""
    found = _checks.integers(value)
    if found is None or len(found) != 2:
        raise TypeError(f"`layout` must be (out_axis, in_axis), or map patterns to such pairs or None; got {value!r}")
    if any(not -len(shape) <= axis < len(shape) for axis in found) or len({axis % len(shape) for axis in found}) < 2:
        raise ValueError(
            f"`layout` must be two different axes of the array; got {value!r} for {name!r} of shape {shape}"
        )
    return found[0] % len(shape), found[1] % len(shape)


def tolerance(value: Any) -> float:
    """Check the share of its largest entry by which the rows of a weight may differ and still be called twins."""
    message = f"`tolerance` must be a number from 0 to 1; got {value!r}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(message)
    if not (isfinite(value) and 0 <= value <= 1):
        raise ValueError(message)
    return float(value)


def rounding(value: Any) -> None:
    """Check the dtype that weights are to be rounded to."""
    if value is not None:
        _checks.one_of("dtype", value, ROUNDINGS)


_SAVE = "save it as safetensors (safetensors.torch.save_file(model.state_dict(), ...)) first"
_FORMATS = {
    **dict.fromkeys(
        (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"),
        f"is a pickle, which can run any program when it is loaded: load it where you trust it "
        f"(torch.load(..., weights_only=True)) and {_SAVE}",
    ),
    **dict.fromkeys(
        (".h5", ".hdf5", ".keras"),
        "needs Keras to be read: load the model and call zero_array.audit({v.path: v.numpy() for v in model.weights}, "
        "layout=(-1, -2))",
    ),
    ".gguf": "holds quantized blocks, which are no start of a training: audit the checkpoint that it was made from",
    ".onnx": "is a graph: audit the checkpoint that it was made from",
    ".msgpack": "needs Flax to be read: restore it and pass the parameters to zero_array.audit",
    ".npy": "holds one array without a name: put it into an .npz by numpy.savez(path, name=array)",
}


def no_format(path: Path) -> ValueError:
    """The refusal of a file by its kind, and what to do instead."""
    reason = _FORMATS.get(path.suffix.lower(), f"is none of these; {_SAVE}")
    return ValueError(
        f"`file` must be .safetensors, .safetensors.index.json or .npz; got {shown(path.name)}, which {reason}"
    )


def bad_file(path: Path, reason: str) -> ValueError:
    """The refusal of a file that is not what its name says."""
    return ValueError(f"`file` must be whole and well formed; got {shown(path.name)}: {reason}")


def no_file(path: Path) -> ValueError:
    """The refusal of a path where no file is."""
    return ValueError(f"`file` must be a file; got {shown(path.name)}, which is none")


def no_report(value: Any) -> TypeError:
    """The refusal of something that is no report by the plots."""
    return TypeError(f"`report` must be a Report; got {type(value).__name__}: pass what zero_array.audit returns")


def nothing_to_draw(what: str) -> ValueError:
    """The refusal of a plot of what a report has not."""
    return ValueError(f"`report` must have {what} to draw; this one has none")


def shown(name: str) -> str:
    """A name as text that no terminal obeys, and that fits a line."""
    found = ascii(name)
    return found if len(found) <= 80 else f"{found[:76]}...'"


@contextmanager
def well_formed(path: Path) -> Iterator[None]:
    """Whatever the standard library says of a broken archive, say it in one sentence."""
    try:
        yield
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, SyntaxError) as error:
        if str(error).startswith("`file`"):
            raise
        raise bad_file(path, f"no archive of arrays that NumPy wrote ({type(error).__name__})") from None

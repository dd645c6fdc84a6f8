"""The layers of all frameworks in one form: what their kernels have to be, by the reference, in torch's layout."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from cases import Case
from reference import weight

Kernel = Any


class Row(NamedTuple):
    """One row of the layout table, in one framework.

    `kernel` makes the layer, given an initialiser that was made with `options`, and returns its weight; `torch` brings
    that to torch's layout, ``(out, in / groups, *kernel)``, where it has to be `expected`. `naive` are the options of
    someone who overlooks how the layer lies in memory.
    """

    id: str
    kernel: Callable[[Any], Kernel]
    options: dict[str, Any]
    naive: dict[str, Any]
    torch: Callable[[Kernel], Kernel]
    expected: Kernel


def expected(outputs: int, inputs: int, *kernel: int, groups: int = 1, center: str = "same") -> Kernel:
    """The ZerO weight in torch's layout, float32; `inputs` are those of one group."""
    options = {"groups": groups, "center": center}
    return numpy.asarray(weight(Case("", "zero", (outputs, inputs, *kernel), options)), dtype="float32")


def as_it_is(kernel: Kernel) -> Kernel:
    """``(out, in, *k)``."""
    return kernel


def in_out(kernel: Kernel) -> Kernel:
    """``(*k, in, out)``."""
    return numpy.moveaxis(kernel, (-1, -2), (0, 1))


def out_in(kernel: Kernel) -> Kernel:
    """``(*k, out, in)``."""
    return numpy.moveaxis(kernel, (-2, -1), (0, 1))


def out_k_in(kernel: Kernel) -> Kernel:
    """``(out, *k, in)``."""
    return numpy.moveaxis(kernel, -1, 1)


def depthwise(kernel: Kernel) -> Kernel:
    """``(*k, channels, multiplier)``."""
    return in_out(kernel.reshape(*kernel.shape[:-2], 1, -1))


def in_heads(kernel: Kernel) -> Kernel:
    """``(in, heads, size)``."""
    return kernel.reshape(kernel.shape[0], -1).T


def heads_out(kernel: Kernel) -> Kernel:
    """``(heads, size, out)``."""
    return kernel.reshape(-1, kernel.shape[-1]).T


def check(row: Row, init: Callable[..., Any]) -> None:
    """The kernel of the layer has the bytes of the reference; `init` is a factory, or a class."""
    found = row.torch(numpy.asarray(row.kernel(init(**row.options))))
    assert found.dtype == row.expected.dtype
    assert found.shape == row.expected.shape
    assert found.tobytes() == row.expected.tobytes()


def check_trap(row: Row, init: Callable[..., Any]) -> None:
    """What looks right is refused, or makes a weight that is wrong."""
    try:
        found = row.torch(numpy.asarray(row.kernel(init(**row.naive))))
    except ValueError:
        return
    assert found.shape == row.expected.shape
    assert not numpy.array_equal(found, row.expected)


def is_documented(message: str) -> bool:
    """Whether a table of refusals in docs/frameworks has a sentence; an ellipsis there stands for anything."""
    docs = Path(__file__).parents[2] / "docs"
    pages = (page.read_text(encoding="utf-8") for page in (docs / "frameworks.md", *docs.glob("frameworks/*.md")))
    sentences = re.findall(r"\| `` (.+) `` \|$", "\n".join(pages), re.MULTILINE)
    patterns = (".+".join(map(re.escape, sentence.split("..."))) for sentence in sentences)
    return any(re.fullmatch(pattern, message) for pattern in patterns)

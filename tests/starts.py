"""Broken starts, and good ones, written once for all frameworks whose kernels are (in, out): a `Kit` makes the layers.

Names of parameters are written ``"layer.kernel"``; the kit of a framework says what they are there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

import zero_array

TOKENS, PICTURE = (2, 5, 4), (2, 6, 6, 4)


class Kit(NamedTuple):
    """What a framework's layers and functions are called.

    Attributes
    ----------
    linear : callable
        ``linear(into, out, name)``, a layer with a bias of zeros.
    conv, depthwise : callable
        ``conv(into, out, size, name)`` and ``depthwise(channels, size, name)``, with SAME padding, without a bias.
    norm, scale : callable
        ``norm(width, name)``, a layer norm, and one that multiplies by its "gamma".
    attention, attend : callable
        ``attention(width, name)``, the framework's own with two heads, without biases; ``attend(layer, x)`` calls it.
    model : callable
        ``model(compute, x, **layers)``, a model of these layers which returns ``compute(model, x)``, built for `x`.
    fill : callable
        ``fill(model, name, value)`` sets a parameter to a number or an array.
    name : callable
        What a parameter is called.
    relu, softmax, matmul, turned, log, stop : callable
        Functions; `turned` swaps the last two of three axes, `stop` lets no gradient through.
    """

    linear: Callable[[int, int, str], Any]
    conv: Callable[[int, int, int, str], Any]
    depthwise: Callable[[int, int, str], Any]
    norm: Callable[[int, str], Any]
    scale: Callable[[int, str], Any]
    attention: Callable[[int, str], Any]
    attend: Callable[[Any, Any], Any]
    model: Callable[..., Any]
    fill: Callable[[Any, str, Any], None]
    name: Callable[[str], str]
    relu: Callable[[Any], Any]
    softmax: Callable[[Any], Any]
    matmul: Callable[[Any, Any], Any]
    turned: Callable[[Any], Any]
    log: Callable[[Any], Any]
    stop: Callable[[Any], Any]


class Start(NamedTuple):
    """A start.

    Attributes
    ----------
    build : callable
        Makes the model, given a kit and its data.
    findings : dict of str to (str, str)
        By parameter: severity and kind of what must be found.
    remedy : str
        A part of the remedy of each; after an @, a parameter that it names.
    errors : set of str
        The kinds of errors that may be there beside.
    shape : tuple of int
        The shape of its data.
    factor : float
        What its data are multiplied by.
    """

    build: Callable[[Kit, Any], Any]
    findings: dict[str, tuple[str, str]]
    remedy: str
    errors: frozenset[str] = frozenset()
    shape: tuple[int, ...] = TOKENS
    factor: float = 1.0

    @property
    def data(self) -> Any:
        """A batch."""
        return batch(self.shape) * numpy.float32(self.factor)


def batch(shape: tuple[int, ...]) -> Any:
    """Random numbers, the same ones each time."""
    return numpy.random.default_rng(1).standard_normal(shape, dtype="float32")


def attention(kit: Kit, x: Any, *zero: str) -> Any:
    """A block of attention with four layers, some of them zero."""

    def compute(model: Any, x: Any) -> Any:
        query, key, value = model.q(x), model.k(x), model.v(x)
        return x + model.o(kit.matmul(kit.softmax(kit.matmul(query, kit.turned(key)) * 0.5), value))

    model = kit.model(compute, x, **{name: kit.linear(4, 4, name) for name in "qkvo"})
    return filled(kit, model, **dict.fromkeys(zero, 0.0))


def filled(kit: Kit, model: Any, **values: Any) -> Any:
    """A model with some kernels set."""
    for name, value in values.items():
        kit.fill(model, f"{name}.kernel", value)
    return model


def equal(kit: Kit, x: Any) -> Any:
    """Query, key and value that are the same."""
    return filled(kit, attention(kit, x), **dict.fromkeys("qkv", numpy.diag([1.0, 2.0, 3.0, 4.0])))


def saturated(kit: Kit, x: Any) -> Any:
    """Scores that are far too large."""
    return filled(kit, attention(kit, x), q=4 * numpy.eye(4), k=4 * numpy.eye(4))


def multihead(kit: Kit, x: Any) -> Any:
    """The framework's own attention, its values and output zero."""
    model = kit.model(lambda model, x: x + kit.attend(model.m, x), x, m=kit.attention(4, "m"))
    return filled(kit, model, **{"m.value": 0.0, "m.out": 0.0})


def branch(kit: Kit, x: Any, *zero: str, scaled: bool = False, straight: bool = False) -> Any:
    """A residual branch and a head; some of its layers zero."""

    def compute(model: Any, x: Any) -> Any:
        inner = model.b(model.a(x) if straight else kit.relu(model.a(x)))
        return model.h(x + (model.g(inner) if scaled else inner))

    layers = {"a": kit.linear(4, 4, "a"), "b": kit.linear(4, 4, "b"), "h": kit.linear(4, 3, "h")}
    if scaled:
        layers["g"] = kit.scale(4, "g")
    model = kit.model(compute, x, **layers)
    if scaled:
        kit.fill(model, "g.gamma", 0.0)
    return filled(kit, model, **dict.fromkeys(zero, 0.0))


def biased(kit: Kit, x: Any) -> Any:
    """A branch that ends in zeros, but for its bias."""
    model = branch(kit, x, "b")
    kit.fill(model, "b.bias", 1.0)
    return model


def normed(kit: Kit, x: Any) -> Any:
    """A branch that ends in zeros and a norm that adds something."""
    layers = {"a": kit.linear(4, 4, "a"), "b": kit.linear(4, 4, "b"), "n": kit.norm(4, "n"), "h": kit.linear(4, 3, "h")}
    model = kit.model(lambda model, x: model.h(x + model.n(model.b(kit.relu(model.a(x))))), x, **layers)
    kit.fill(model, "n.bias", 1.0)
    return filled(kit, model, b=0.0)


def two_branches(kit: Kit, x: Any) -> Any:
    """Two branches, of which one alone starts as zero."""

    def compute(model: Any, x: Any) -> Any:
        x = x + model.b(kit.relu(model.a(x)))
        return model.h(x + model.d(kit.relu(model.c(x))))

    layers = {name: kit.linear(4, 3 if name == "h" else 4, name) for name in "abcdh"}
    return filled(kit, kit.model(compute, x, **layers), b=0.0)


def rectified(kit: Kit, x: Any, kernel: float | None = None, bias: float = 0.0) -> Any:
    """Two layers and a ReLU between."""
    layers = {"a": kit.linear(4, 8, "a"), "b": kit.linear(8, 3, "b")}
    model = kit.model(lambda model, x: model.b(kit.relu(model.a(x))), x, **layers)
    kit.fill(model, "a.bias", bias)
    return model if kernel is None else filled(kit, model, a=kernel)


def twins(kit: Kit, x: Any) -> Any:
    """A layer that widens as Algorithm 1 says, before a head of zeros."""
    layers = {"a": kit.linear(4, 16, "a"), "b": kit.linear(16, 3, "b")}
    model = kit.model(lambda model, x: model.b(kit.relu(model.a(x))), x, **layers)
    return filled(kit, model, a=zero_array.zero_init((4, 16), in_axis=0, out_axis=1), b=0.0)


def control(kit: Kit, x: Any) -> Any:
    """A ControlNet whose zero convolutions come in pairs."""
    layers = {name: kit.conv(4, 4, 3 if name in "ac" else 1, name) for name in "acpq"}
    model = kit.model(lambda model, x: model.a(x) + model.q(model.p(model.c(x))), x, **layers)
    return filled(kit, model, p=0.0, q=0.0)


def depthwise(kit: Kit, x: Any) -> Any:
    """A depthwise kernel taken for one matrix."""
    layers = {"a": kit.depthwise(4, 3, "a"), "b": kit.conv(4, 3, 1, "b")}
    model = kit.model(lambda model, x: model.b(model.a(x)), x, **layers)
    kernel = numpy.zeros((3, 3, 4))
    kernel[1, 1] = 0.5
    return filled(kit, model, a=kernel)


def shifted(kit: Kit, x: Any) -> Any:
    """An identity that is a shift, its kernel being even."""
    model = kit.model(lambda model, x: model.a(x), x, a=kit.conv(4, 4, 4, "a"))
    kernel = numpy.zeros((4, 4, 4, 4))
    kernel[2, 2] = numpy.eye(4)
    return filled(kit, model, a=kernel)


def chain(kit: Kit, x: Any, value: Any, count: int) -> Any:
    """Layers one after the other, all started the same."""
    names = "abcdefg"[:count]

    def compute(model: Any, x: Any) -> Any:
        for name in names:
            x = getattr(model, name)(x)
        return x

    model = kit.model(compute, x, **{name: kit.linear(4, 4, name) for name in names})
    return filled(kit, model, **dict.fromkeys(names, value))


def detached(kit: Kit, x: Any) -> Any:
    """A layer that is cut off by mistake."""
    layers = {"a": kit.linear(4, 4, "a"), "h": kit.linear(4, 3, "h")}
    return kit.model(lambda model, x: model.h(x + kit.stop(model.a(x))), x, **layers)


def logarithm(kit: Kit, x: Any) -> Any:
    """The logarithm of zero."""
    layers = {"a": kit.linear(4, 4, "a"), "b": kit.linear(4, 4, "b")}
    return kit.model(lambda model, x: model.b(kit.log(kit.relu(model.a(x)) * 0.0)), x, **layers)


SERIES, ERROR, WARNING = "zeros in series", "error", "warning"
STUCK = frozenset({"zero gradient"})

BROKEN: dict[str, Start] = {
    "values and output": Start(
        lambda kit, x: attention(kit, x, "v", "o"), {"v.kernel": (ERROR, SERIES)}, "alone at zero", STUCK
    ),
    "query and key": Start(lambda kit, x: attention(kit, x, "q", "k"), {"q.kernel": (ERROR, SERIES)}, "alone at zero"),
    "the framework's attention": Start(multihead, {"m.value.kernel": (ERROR, SERIES)}, "alone at zero", STUCK),
    "ControlNet pair": Start(control, {"p.kernel": (ERROR, SERIES)}, "alone at zero", STUCK, PICTURE),
    "branch of two zeros": Start(
        lambda kit, x: branch(kit, x, "a", "b", straight=True), {"a.kernel": (ERROR, SERIES)}, "'identity'", STUCK
    ),
    "zero layer scale": Start(
        lambda kit, x: branch(kit, x, "b", scaled=True), {"b.kernel": (ERROR, SERIES)}, "alone at zero", STUCK
    ),
    "zeros before a ReLU": Start(
        lambda kit, x: rectified(kit, x, 0.0), {"a.kernel": (ERROR, "zeros before a ReLU")}, "behind the ReLU", STUCK
    ),
    "dead ReLU": Start(
        lambda kit, x: rectified(kit, x, bias=-100.0), {"a.kernel": (ERROR, "dead ReLU")}, "zero its bias", STUCK
    ),
    "twins behind a zero head": Start(twins, {"a.kernel": (WARNING, "twins that stay")}, "columns='distinct'"),
    "query, key and value equal": Start(equal, {"q.kernel": (WARNING, "equal projections")}, "each by itself"),
    "saturated softmax": Start(saturated, {"": (WARNING, "saturated softmax")}, "divide the scores"),
    "depthwise constant": Start(
        depthwise, {"a.kernel": (WARNING, "constant channels")}, "groups=4", frozenset(), PICTURE
    ),
    "even kernel": Start(shifted, {"a.kernel": (WARNING, "even kernel")}, 'center="same"', frozenset(), PICTURE),
    "bias behind zeros": Start(biased, {"b.kernel": (WARNING, "no shortcut")}, "@b.bias"),
    "norm behind zeros": Start(normed, {"b.kernel": (WARNING, "no shortcut")}, "@n.bias"),
    "one branch of two": Start(two_branches, {"d.kernel": (WARNING, "no shortcut")}, "'zeros'"),
    "all constant": Start(
        lambda kit, x: chain(kit, x, 0.5, 2), {"a.kernel": (ERROR, "all constant")}, ".init(model, example_inputs=...)"
    ),
    "exploding": Start(
        lambda kit, x: chain(kit, x, 10 * numpy.eye(4), 7), {"g": (WARNING, "scale of the signal")}, "isometries"
    ),
    "detached": Start(detached, {"a.kernel": (ERROR, "detached"), "a.bias": (ERROR, "detached")}, "stop_gradient"),
    "not finite": Start(logarithm, {"b": (ERROR, "not finite")}, "logarithm"),
}


def missing(kit: Kit, start: Start, report: Any) -> list[str]:
    """What a report on a start fails to say, or says too much."""
    found = {(item.parameter, item.severity, item.what): item.remedy for item in report}
    remedy = kit.name(start.remedy[1:]) if start.remedy[0] == "@" else start.remedy
    faults = [
        f"{name}: {what}"
        for name, what in start.findings.items()
        if remedy not in found.get((kit.name(name), *what), "")
    ]
    expected = {what for _, what in start.findings.values()} | start.errors
    faults += [str(item) for item in report if item.severity == "error" and item.what not in expected]
    return faults


def mlp(kit: Kit, x: Any) -> Any:
    """Three layers."""
    layers = {"a": kit.linear(4, 16, "a"), "b": kit.linear(16, 16, "b"), "h": kit.linear(16, 3, "h")}
    return kit.model(lambda model, x: model.h(kit.relu(model.b(kit.relu(model.a(x))))), x, **layers)

"""The command: ``python -m zero_array``, also installed as ``zero-array``."""

import argparse
import sys
from collections.abc import Sequence
from typing import get_args

from . import _orders, _stream, backends
from ._commands import _check, _show, _verify
from ._typing import Choice, Order, Scale
from ._weight import RULES, weight


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in {"-h", "--help", "--version"}):
        given.insert(0, "check")  # the options alone are its own
    parser = _parser()
    options = parser.parse_args(given)
    try:
        if options.command == "check":
            return _check.check(options.backend, options.dtype, as_json=options.json)
        if options.command == "audit":
            dtype = None if options.dtype == "none" else options.dtype
            chosen = {"layout": dict(options.layout), "tolerance": options.tolerance, "dtype": dtype}
            from ._commands import _audit  # as late as this: it alone reads files

            return _audit.run(options.file, as_json=options.json, html=options.html, **chosen)
        if options.command == "verify":
            return _verify_all(options.orders)
        if options.command == "factors":
            for n in options.orders:
                print(_orders.equation(_verify.known_factors(n)))
            return 0
        layout = {name: getattr(options, name) for name in ("groups", "scale", "order", "columns")}
        if options.command == "hash":
            layout |= {name: getattr(options, name) for name in ("in_axis", "out_axis", "center")}
            whole = weight(RULES[options.function], options.shape, window=None, **layout)
            print(_stream.digest(whole, options.dtype, options.chunk, _tell))
            return 0
        for line in _show.show(options.function, options.shape, **layout):
            print(line)
    except (MemoryError, OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    return 0


def _verify_all(orders: Sequence[int]) -> int:
    """Print a line per order; 1 where one is not proven."""
    proven = True
    for n in orders:
        found = _verify.verify(n)
        verdict = f"H H^T = {n} I, proven" if found.proven else "NOT a Hadamard matrix"
        print(f"{_orders.equation(found.factors)}: {verdict} in {found.seconds:.2f} s", flush=True)
        proven = proven and found.proven
    return 0 if proven else 1


def _tell(part: float) -> None:
    """Show on a terminal, and only there, what part of the work is done."""
    if sys.stderr.isatty():
        print(f"\r{part:4.0%}", end="" if part < 1 else "\r    \r", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zero-array", description="ZerO weights in any array library. Without a command: check."
    )
    parser.add_argument("--version", action="version", version=f"zero-array {_check.own_version()}")
    commands = parser.add_subparsers(dest="command", required=True)

    check = commands.add_parser(
        "check",
        help="build the weights of two networks and of other layers in every installed backend and compare the bits",
        description="Build the weights of ResNet-50, of a 12-layer transformer and of one layer of each other kind in "
        "every installed array library, and compare their bytes with the recorded digests. Exit status: 0 all equal, 1 "
        "some bits differ, 2 a backend could not be run. Writes nothing, installs nothing.",
    )
    check.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="NAME[:DEVICE]",
        help="only this one (may be repeated), which must be there: "
        + ", ".join(record.name for record in backends.BACKENDS)
        + "; the device is the library's own (cupy:0, torch:cuda:1), or gpu",
    )
    check.add_argument("--dtype", choices=backends.DTYPES, default="float32", help="default: float32")
    check.add_argument("--json", action="store_true", help="print JSON, with the digest of every weight")

    show = commands.add_parser(
        "show",
        help="print a small weight as signs, and its facts",
        description="Print a weight as 1 and . (an identity) or + and - (a Hadamard matrix), and what is known of it: "
        "rule, order, scale, distinct rows, singular values.",
    )
    _add_weight(show)

    digest = commands.add_parser(
        "hash",
        help="print the SHA-256 of a weight of any size, without building it as a whole",
        description="Print the SHA-256 of the little-endian C-order bytes of a weight, which is built and dropped some "
        "rows at a time.",
    )
    _add_weight(digest)
    digest.add_argument("--dtype", choices=backends.DTYPES, default="float32", help="default: float32")
    digest.add_argument("--in-axis", type=int, default=1, help="default: 1")
    digest.add_argument("--out-axis", type=int, default=0, help="default: 0")
    digest.add_argument("--center", type=_center, default="paper", help="paper, same, or a tap per kernel axis: 1x1")
    digest.add_argument("--chunk", type=int, metavar="ROWS", help="build so many along the first axis at once")

    audit = commands.add_parser(
        "audit",
        help="what a checkpoint cannot learn from its start",
        description="Look for twins, zeros, constants, dead channels and the like in the weights of a file: "
        "safetensors, shards of these by their index, or NumPy's .npz. Nothing in it is run. Exit status: 0 no finding "
        "is an error, 1 one is, 2 the file could not be read.",
    )
    audit.add_argument("file", metavar="FILE", help="model.safetensors, model.safetensors.index.json or weights.npz")
    audit.add_argument("--json", action="store_true", help="print JSON, with the facts of every weight")
    audit.add_argument(
        "--html", metavar="OUT", help="write the report with its plots to this file too, one page of HTML"
    )
    audit.add_argument(
        "--layout",
        type=_layout,
        action="append",
        default=[],
        metavar="[PATTERN=]OUT,IN",
        help="the channel axes, of the weights whose names match a pattern such as *.kernel or of all; none is no "
        "matrix; may be repeated, the first match counts; default: 0,1; of Keras --layout=-1,-2",
    )
    audit.add_argument("--tolerance", type=float, default=0.0, metavar="T", help="how near twins may differ; default 0")
    audit.add_argument(
        "--dtype", choices=("bfloat16", "float16", "none"), default="bfloat16", help="what is checked to be lost"
    )

    for name, purpose in (
        ("factors", "print the Kronecker factors of Hadamard matrices"),
        ("verify", "prove H H^T = n I for Hadamard matrices, in integers; exit status 1 where it is not true"),
    ):
        command = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        command.add_argument("orders", metavar="N", type=int, nargs="+", help="the order")
    return parser


def _add_weight(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say which weight is meant."""
    command.add_argument("shape", type=_shape, help="out x in, or out x in x kernel: 6x3, 64x3x7x7")
    command.add_argument("--function", choices=tuple(RULES), default="zero_init")
    command.add_argument("--groups", type=int, default=1, help="default: 1")
    command.add_argument("--scale", choices=get_args(Scale), default="orthonormal")
    command.add_argument("--order", choices=get_args(Order), default="pad", help="of the Hadamard matrix")
    command.add_argument("--columns", choices=get_args(Choice), default="first", help="which of them are taken")


def _center(text: str) -> str | tuple[int, ...]:
    """``1x-1`` as ``(1, -1)``; a word stays one."""
    return text if text.isalpha() else tuple(map(int, text.lower().split("x")))


def _shape(text: str) -> tuple[int, ...]:
    """``6x3`` as ``(6, 3)``."""
    try:
        return tuple(int(size) for size in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"`shape` must look like 6x3 or 64x3x7x7; got {text!r}") from None


def _layout(text: str) -> tuple[str, tuple[int, ...] | None]:
    """``*.kernel=-1,-2`` as ``("*.kernel", (-1, -2))``; without a pattern it is of all names."""
    pattern, _, axes = text.rpartition("=")
    try:
        return pattern or "*", None if axes == "none" else tuple(int(axis) for axis in axes.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"`layout` must look like 0,1 or -1,-2 or *.kernel=-1,-2 or *.scale=none; got {text!r}"
        ) from None


if __name__ == "__main__":
    sys.exit(main())

"""The command: ``python -m zero_array``, also installed as ``zero-array``."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from . import _check, _orders, _show, _verify, backends


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
        if options.command == "verify":
            return _verify_all(options.orders)
        if options.command == "factors":
            for n in options.orders:
                print(_orders.equation(_verify.known_factors(n)))
            return 0
        layout = {name: getattr(options, name) for name in ("groups", "scale", "order", "columns")}
        for line in _show.show(options.function, options.shape, **layout):
            print(line)
    except (MemoryError, TypeError, ValueError) as error:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zero-array", description="ZerO weights in any array library. Without a command: check."
    )
    parser.add_argument("--version", action="version", version=f"zero-array {version('zero-array')}")
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
    show.add_argument("shape", type=_shape, help="out x in, or out x in x kernel: 6x3, 64x3x7x7")
    show.add_argument("--function", choices=("zero_init", "hadamard_init", "identity_init"), default="zero_init")
    show.add_argument("--groups", type=int, default=1, help="default: 1")
    show.add_argument("--scale", choices=("orthonormal", "paper"), default="orthonormal")
    show.add_argument("--order", choices=("pad", "exact", "auto"), default="pad", help="of the Hadamard matrix")
    show.add_argument("--columns", choices=("first", "distinct"), default="first", help="which of them are taken")

    for name, purpose in (
        ("factors", "print the Kronecker factors of Hadamard matrices"),
        ("verify", "prove H H^T = n I for Hadamard matrices, in integers; exit status 1 where it is not true"),
    ):
        command = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        command.add_argument("orders", metavar="N", type=int, nargs="+", help="the order")
    return parser


def _shape(text: str) -> tuple[int, ...]:
    """``6x3`` as ``(6, 3)``."""
    try:
        return tuple(int(size) for size in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"`shape` must look like 6x3 or 64x3x7x7; got {text!r}") from None


if __name__ == "__main__":
    sys.exit(main())

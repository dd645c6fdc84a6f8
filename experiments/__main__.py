"""The command line: ``python -m experiments [NAME ...]``."""

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from . import render, runner


def main(arguments: list[str] | None = None) -> None:
    """Run experiments, all where none is named, and write the page."""
    parser = argparse.ArgumentParser(prog="experiments", description="Measure the paper's claims.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(runner.NAMES)}; all where left out")
    parser.add_argument(
        "--quick", action="store_true", help="see only if all is in order, in tiny sizes; writes to --out alone"
    )
    parser.add_argument("--data", metavar="DIR", help="the folder of MNIST, or where it is fetched to")
    parser.add_argument("--dataset", choices=("digits", "mnist"), default="digits")
    parser.add_argument("--processes", type=int, default=2, help="jobs at a time (default 2)")
    parser.add_argument("--fresh", action="store_true", help="run again what was run before")
    parser.add_argument(
        "--render", action="store_true", help="run nothing: write the page from the results that are there"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="a folder for everything, in place of the project's own"
    )
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(runner.NAMES):
        parser.error(f"no experiment is named {', '.join(sorted(unknown))}; there are {', '.join(runner.NAMES)}")
    names = [name for name in runner.NAMES if name in chosen.names or not chosen.names]
    names = [name for name in names if chosen.dataset in runner.experiment(name).datasets]
    if not names:
        parser.error(f"none of these experiments is made for {chosen.dataset}")
    config = runner.Config(chosen.quick, chosen.data, chosen.dataset, chosen.processes)
    with TemporaryDirectory() as scratch:
        out = chosen.out or (Path(scratch) if chosen.quick else None)
        places = runner.Places(out / "kept", out / "results", out / "docs") if out else runner.Places()
        if chosen.fresh:
            for name in names:
                shutil.rmtree(places.kept / name, ignore_errors=True)
        if not chosen.render:
            runner.perform(names, config, places)
        render.render(places)


if __name__ == "__main__":
    main()

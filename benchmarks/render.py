"""From the JSON of the races to ``docs/benchmarks.md`` and its plot: ``python render.py RESULTS...``.

With ``--print`` before them, the tables alone, to standard output.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "zero_array"  # the same picture, the same bytes

PREFACE = """# Benchmarks

Made by `nox -s bench`. Every ratio is that of two medians, our time over the peer's, measured in turns in one process;
below 1 we are faster. Each array is waited for and dropped before the next is made. Machines differ: run it on yours.
The bars are the project's own; where one is missed, the table says so.

"""

STOPS = """
## What stops the bars that are missed

- *1 to 4 M entries against `ones`.* Arrays of a few MiB that are made and dropped in turns stay in the processor's
  caches, and `ones`, which reads nothing, is limited only by writing. "A sum of ... and 0" is the cost of one pass that
  also reads: from 4 M entries on, a matrix of two values takes less. Below that, the calls that make the small tables
  take as long as the writing: 50 to 150 µs, whatever the size. For large arrays, whose memory pages the system must
  map, the limit is reached.
- *1000 x 784; exact and distinct weights of these sizes.* Their columns have no runs that are long enough to be copied.
  They are products of two factors, and the product itself takes 1.5 to 2 times as long as `ones`.
- *Many small weights.* A call takes about 17 µs of Python, to check its arguments and to choose a way; `eye` of (10,
  512) takes 3 µs, and ResNet-50 has 161 tensors.
- *GPT-2-XL against `kaiming_uniform_`.* On one core even `fill_` takes a larger share of its time than the bar allows.
- *The transform against hadamard-transform.* On one core NumPy is nine times as fast, and torch seven times, since its
  batched products of 16 and 32 rows take longer. On two cores, NumPy's small products still use one.
"""

DOCS = Path(__file__).parent.parent / "docs"
HERE = Path(__file__).parent


def read(files: list[str]) -> list[dict[str, Any]]:
    """All races of some files, each with the backend and cores of its file's name, ``BACKEND-CORES.json``."""
    races = []
    for file in map(Path, files):
        backend, cores = file.stem.split("-")
        report = json.loads(file.read_text(encoding="utf-8"))
        for race in report["benchmarks"]:
            machine = report["machine_info"]
            about = {"backend": backend, "cores": int(cores), "python": machine["python_version"]}
            races.append(about | {"machine": machine["cpu"].get("brand_raw", machine["machine"])} | race["extra_info"])
    return races


def tables(races: list[dict[str, Any]]) -> Iterator[str]:
    """One table per backend: a row per race, a column per number of cores."""
    for backend in dict.fromkeys(race["backend"] for race in races):
        yield f"\n## {backend}\n\n"
        cores = sorted({race["cores"] for race in races if race["backend"] == backend})
        heads = [f"{n} core{'s' * (n > 1)}: time, ratio" for n in cores]
        rows = [["work", "against", *heads, "bar", "met"], ["---"] * (len(heads) + 4)]
        grouped: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        for race in races:
            if race["backend"] == backend and not race["work"].startswith("growth"):
                grouped.setdefault((race["work"], race["against"]), {})[race["cores"]] = race
        for (work, against), found in grouped.items():
            figures = [f"{_time(found[n]['median'])}, {found[n]['ratio']:.2f}" if n in found else "" for n in cores]
            bar = next(iter(found.values()))["bar"]
            met = "" if bar is None else "yes" if all(race["ratio"] <= bar for race in found.values()) else "**no**"
            rows.append([f"`{work}`", f"`{against}`", *figures, "" if bar is None else f"{bar:.3g}", met])
        yield "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
        calls = [race["first call"] for race in races if race["backend"] == backend and "first call" in race]
        if calls:
            yield f"\nFirst calls under jit, which compile: {_time(min(calls))} to {_time(max(calls))} (bar: 300 ms).\n"


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def memory(backends: list[str]) -> Iterator[str]:
    """The peak beside the result, each figure from a process of its own."""
    shape, entries = "8192x8192", 8192**2
    ways = [way for name in backends for way in ([name, f"jit:{name}"] if name == "jax" else [name])]
    yield "\n## Peak memory\n\nOf `hadamard_init((8192, 8192))` in float32 (256 MiB), beside the result; bar 3 %.\n\n"
    yield "| call | beside the result | the same for `ones` |\n| --- | --- | --- |\n"
    for way in ways:
        found = []
        for how in (way, f"ones:{way.removeprefix('jit:')}"):
            command = [sys.executable, str(HERE / "peak.py"), how, shape]
            found.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        yield f"| {way} | " + " | ".join(f"{size / 2**20:.1f} MiB, {size / entries / 4:.1%}" for size in found) + " |\n"


def plot(races: list[dict[str, Any]]) -> None:
    """The ratio to the limit over the size."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for number, backend in enumerate(dict.fromkeys(race["backend"] for race in races)):
        growth = [race for race in races if race["backend"] == backend and race["work"].startswith("growth")]
        growth = sorted((race for race in growth if race["cores"] == 1), key=lambda race: race["entries"])
        sizes, ratios = [race["entries"] for race in growth], [race["ratio"] for race in growth]
        axes.plot(sizes, ratios, "os^"[number % 3] + "-", color=f"C{(0, 1, 2)[number % 3]}", label=backend)
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel="entries (float32)", ylabel="time / time of ones")
    axes.set_xscale("log", base=2)
    axes.set_title("hadamard_init against writing ones, square matrices, one core")
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(DOCS / "benchmarks.svg", metadata={"Date": None})


def main(files: list[str]) -> None:
    """Write the page."""
    races = read(files)
    backends = list(dict.fromkeys(race["backend"] for race in races))
    versions = [f"{name} {version(name)}" for name in backends]
    page = [
        PREFACE,
        f"{races[0]['machine']}, Python {races[0]['python']}, {', '.join(versions)}.\n\n",
        "![Ratio to the time of ones, over the number of entries](benchmarks.svg)\n",
        *tables(races),
        STOPS,
        *memory(backends),
    ]
    (DOCS / "benchmarks.md").write_text("".join(page), encoding="utf-8")
    plot(races)


if __name__ == "__main__":
    if sys.argv[1] == "--print":
        print(*tables(read(sys.argv[2:])))
    else:
        main(sys.argv[1:])

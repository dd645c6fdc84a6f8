"""From the results to ``docs/reproduction.md`` and its figures."""

from collections.abc import Iterator, Sequence
from json import loads
from pathlib import Path
from typing import Any

from . import figures
from .runner import NAMES, Experiment, Finding, Places, experiment, read

PREFACE = """# The paper's claims, measured

Made by `nox -s experiments`, from the results in `experiments/results`; negative results stay in. Each claim of
[arXiv 2110.12661](https://arxiv.org/abs/2110.12661) has an experiment that two cores can run, a rule that was written
down with it, and a verdict by that rule: **holds**, **weakly**, or **not here**. The networks and the data are small: a
verdict says what was seen here, and nothing about other sizes.

Where starts (initializations) are compared, each has its own best learning rate, chosen on one grid with seeds (and,
for images, samples) that are not used for the results; where all share one rate, the setting says so. `±` is one
standard deviation over the seeds. The weights are made by zero_array, those of the controls by `torch.nn.init`. Every
run is deterministic, on one thread: the same machine and versions give the same JSON, to the bit (times are kept
apart). On two kinds of processors (AMD EPYC, Intel Xeon) figures differed, and no verdict did.

"""


def render(places: Places) -> None:
    """Write the page and the figures of all results that there are."""
    files = (places.results / "times").glob("*.json")
    times = {path.stem: loads(path.read_text(encoding="utf-8")) for path in files}
    rows, sections = [], []
    about: dict[str, str] = {}
    for name, path in _files(places):
        what, versions, done = read(path)
        about |= versions
        tested = experiment(what)
        finding = tested.find(done)
        took = (
            f"{times[name]['seconds'] / 60:.1f} min" if times[name]["seconds"] >= 60 else f"{times[name]['seconds']} s"
        )
        seeds = max((_seeds(item.job) for item in done), default=0)
        command = _command(what, done)
        rows.append(
            [f"[{tested.claim}](#{name})", f"**{finding.verdict}**", finding.figures, f"`{command}`", str(seeds), took]
        )
        drawn = tested.draw is not None
        if tested.draw is not None:
            tested.draw(done)
            figures.save(places.docs / "figures", name)
        sections.append("".join(_section(name, tested, finding, drawn=drawn)))
    machine = ", ".join(sorted({item["machine"] for item in times.values()}))
    tools = ", ".join(f"{tool} {number}" for tool, number in about.items())
    heads = ["claim", "verdict", "figures", "command", "seeds", "core time"]
    total = sum(item["seconds"] for item in times.values()) / 60
    ending = f"\n{total:.0f} minutes of one core in all, two at a time; {machine}; {tools}.\n"
    page = "".join([PREFACE, table(heads, rows), ending, *sections])
    places.docs.mkdir(parents=True, exist_ok=True)
    (places.docs / "reproduction.md").write_text(page, encoding="utf-8")


def _files(places: Places) -> Iterator[tuple[str, Path]]:
    """The results that there are, in the order of the page."""
    for name in NAMES:
        for path in sorted(places.results.glob(f"{name}.json")) + sorted(places.results.glob(f"{name}-*.json")):
            yield path.stem, path


def _seeds(job: dict[str, Any]) -> int:
    return len(job["seeds"]) if "seeds" in job else int(job.get("runs", 1))


def _command(name: str, done: Sequence[Any]) -> str:
    """What to type to measure it again."""
    other = next((item.job["images"] for item in done if item.job.get("images") == "mnist"), None)
    return f"nox -s experiments -- {name}" + (f" --dataset {other} --data DIR" if other else "")


def _section(name: str, tested: Experiment, finding: Finding, *, drawn: bool) -> Iterator[str]:
    """What there is to say about one claim."""
    yield f"\n## {name}\n\n{tested.claim}: **{finding.verdict}**.\n\n"
    yield f"- *Setting*: {tested.setting}.\n- *Rule*: {tested.rule}.\n"
    if drawn:
        yield f"\n![{name}](figures/{name}.svg)\n"
    for caption, heads, rows in finding.tables:
        yield f"\n{caption}\n\n{table(heads, rows)}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    return "".join("| " + " | ".join(row) + " |\n" for row in (heads, ["---"] * len(heads), *rows))

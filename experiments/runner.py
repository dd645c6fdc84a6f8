"""What all experiments share: jobs that are run once and kept, two at a time, and results as JSON.

A *job* is a dict of plain values: the arguments of an experiment's `run`. Its result is kept as soon as it is there, so
that a run that was stopped goes on where it was. Nothing that differs between two runs is in a result: times are apart.
"""

import importlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

import zero_array

Job = dict[str, Any]
ROOT = Path(__file__).parent.parent
NAMES = (
    "rank", "plain", "residual", "trajectories", "compression", "reproducibility", "twins", "stack", "transformer",
    "resnet",
)  # fmt: skip
"""All experiments, in the order of the page; each is a module with an `EXPERIMENT`."""


@dataclass(frozen=True)
class Config:
    """What a user can choose.

    Attributes
    ----------
    quick : bool
        Whether to see only if everything is in order: tiny, and of no worth as a measurement.
    data : str, optional
        The folder of MNIST and CIFAR-10.
    dataset : str
        "digits", or "mnist" where an experiment can.
    processes : int
        How many jobs run at a time, each on one thread.
    """

    quick: bool = False
    data: str | None = None
    dataset: str = "digits"
    processes: int = 2


@dataclass(frozen=True)
class Places:
    """Where everything goes."""

    kept: Path = ROOT / ".experiments"
    results: Path = ROOT / "experiments" / "results"
    docs: Path = ROOT / "docs"


class Done(NamedTuple):
    """A job and its result."""

    job: Job
    result: dict[str, Any]


class Finding(NamedTuple):
    """What an experiment found: one of "holds", "weakly" and "not here", the figures behind it, and tables."""

    verdict: str
    figures: str
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]] = ()
    """Each a caption, the heads of its columns, and its rows."""


@dataclass(frozen=True)
class Experiment:
    """One claim, and how it is measured.

    Attributes
    ----------
    claim : str
        What the paper says, in our words.
    setting : str
        The network, the data and how it is trained.
    rule : str
        When the claim holds, when it holds weakly; otherwise it does not hold here.
    jobs : callable
        All jobs of a configuration.
    run : callable
        The result of one job, given as keywords.
    find : callable
        What the results say, by the rule.
    draw : callable
        The figure, on matplotlib's current one; None where there is nothing to draw.
    datasets : tuple of str
        What it can be asked for by ``--dataset``.
    """

    claim: str
    setting: str
    rule: str
    jobs: Callable[[Config], list[Job]]
    run: Callable[..., dict[str, Any]]
    find: Callable[[Sequence[Done]], Finding]
    draw: Callable[[Sequence[Done]], None] | None = None
    datasets: tuple[str, ...] = ("digits",)


def experiment(name: str) -> Experiment:
    """The experiment of a name."""
    found: Experiment = importlib.import_module(f"experiments.{name}").EXPERIMENT
    return found


def versions() -> dict[str, str]:
    """What results depend on; with another of these, kept results are not used."""
    packages = {name: version(name) for name in ("numpy", "scikit-learn", "scipy", "torch")}
    return {"definition": str(zero_array.DEFINITION), "python": platform.python_version(), **packages}


def perform(names: Sequence[str], config: Config, places: Places) -> None:
    """Run what has not been run of some experiments, and write the results of each."""
    planned = {name: experiment(name).jobs(config) for name in names}
    waiting = [(name, job) for name, jobs in planned.items() for job in jobs if not _kept(places, name, job).exists()]
    bar = tqdm(total=sum(map(len, planned.values())), unit="job", smoothing=0)
    bar.update(bar.total - len(waiting))
    context = get_context("spawn")  # a forked copy of torch's threads may hang
    with bar, ProcessPoolExecutor(config.processes, context, initializer=_prepare) as pool:
        waiting.sort(key=lambda item: -item[1].get("weight", 1))  # long ones first: both cores end together
        futures = {pool.submit(_run, name, job): (name, job) for name, job in waiting}
        try:
            for future in as_completed(futures):
                name, job = futures[future]
                result, seconds = future.result()
                _keep(_kept(places, name, job), {"job": job, "result": result, "seconds": round(seconds, 2)})
                bar.set_postfix_str(f"{name} {seconds:.0f} s")
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for name, jobs in planned.items():
        _collect(name, jobs, config, places)


def _collect(name: str, jobs: Sequence[Job], config: Config, places: Places) -> None:
    """Put the kept results of one experiment into one file, and its time into another."""
    done = [json.loads(_kept(places, name, job).read_text(encoding="utf-8")) for job in jobs]
    title = name if config.dataset == "digits" else f"{name}-{config.dataset}"
    runs = [{"job": item["job"], "result": item["result"]} for item in done]
    _keep(places.results / f"{title}.json", {"experiment": name, "versions": versions(), "runs": runs})
    seconds = round(sum(item["seconds"] for item in done))
    _keep(places.results / "times" / f"{title}.json", {"seconds": seconds, "machine": machine()})


def read(path: Path) -> tuple[str, dict[str, str], list[Done]]:
    """The name of an experiment, the versions that it ran with, and what was done."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["experiment"], found["versions"], [Done(item["job"], item["result"]) for item in found["runs"]]


def machine() -> str:
    """The processor, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _kept(places: Places, name: str, job: Job) -> Path:
    """Where the result of a job is kept: the file's name stands for the job and the versions."""
    stamp = json.dumps([name, job, versions()], sort_keys=True)
    return places.kept / name / f"{sha256(stamp.encode()).hexdigest()[:16]}.json"


def _keep(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all; numbers to six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(_rounded(value), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)


def _rounded(value: Any) -> Any:
    """The same with floats of six digits, and None for what is not finite."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if abs(value) < float("inf") else None
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _prepare() -> None:
    """One thread, so that sums have one order; numbers next to nothing are nothing, or dying networks take ages."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _run(name: str, job: Job) -> tuple[dict[str, Any], float]:
    """The result, and the processor's time that it took, which other work on the machine does not change."""
    began = sum(os.times()[:4])
    result = experiment(name).run(**{key: value for key, value in job.items() if key != "weight"})
    return result, sum(os.times()[:4]) - began


def best(rates: Iterable[float], scores: Iterable[float | tuple[float, float]]) -> float:
    """The rate of the best score; of equal ones, the largest rate."""
    return max(zip(scores, rates, strict=True))[1]

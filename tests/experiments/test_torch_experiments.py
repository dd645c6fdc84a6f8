"""The experiments are in order: they run in tiny sizes, resume, repeat to the bit, and do not trust files."""

import gzip
import io
import json
import math
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments import __main__, compression, data, networks, residual, runner, starts, training, trajectories
from experiments.runner import Places


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a quick run of everything."""
    out = tmp_path_factory.mktemp("quick")
    __main__.main(["--quick", "--out", str(out)])
    return out


def contents(folder: Path) -> dict[str, bytes]:
    """What the files of results hold; times are in a folder of their own."""
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_every_experiment_runs_and_is_on_the_page(quick: Path) -> None:
    """A quick run leaves a result, a verdict and, where there is something to draw, two pictures of each experiment."""
    page = (quick / "docs" / "reproduction.md").read_text(encoding="utf-8")
    assert sorted(contents(quick / "results")) == sorted(f"{name}.json" for name in runner.NAMES)
    for name in runner.NAMES:
        assert f"\n## {name}\n" in page
        drawn = runner.experiment(name).draw is not None
        for end in ("svg", "png"):
            assert (quick / "docs" / "figures" / f"{name}.{end}").exists() == drawn
    assert page.count("| **") == len(runner.NAMES)


def test_a_second_run_writes_the_same_bytes(quick: Path, tmp_path: Path) -> None:
    """The results of two runs that share nothing are equal to the bit, and so are the figures."""
    names = [name for name in runner.NAMES if name not in {"resnet", "transformer", "residual"}]  # those take long
    __main__.main([*names, "--quick", "--out", str(tmp_path)])
    again = contents(tmp_path / "results")
    assert sorted(again) == sorted(f"{name}.json" for name in names)
    for name, content in again.items():
        assert content == (quick / "results" / name).read_bytes()
    for picture in (tmp_path / "docs" / "figures").glob("*.svg"):
        assert picture.read_bytes() == (quick / "docs" / "figures" / picture.name).read_bytes()


def test_finished_jobs_are_not_run_again(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is used: a run with nothing left to do starts no process, and writes the same results."""
    monkeypatch.setattr(runner, "_run", None)
    before = contents(quick / "results")
    kept = {path: path.stat().st_mtime_ns for path in (quick / "kept").rglob("*.json")}
    __main__.main(["--quick", "--out", str(quick)])
    assert contents(quick / "results") == before
    assert {path: path.stat().st_mtime_ns for path in (quick / "kept").rglob("*.json")} == kept


def test_results_of_other_versions_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A job is kept under its arguments and the versions that it depends on."""
    places, job = Places(tmp_path, tmp_path, tmp_path), {"start": "zero"}
    found = {runner._kept(places, "rank", job), runner._kept(places, "rank", {"start": "identity"})}
    monkeypatch.setattr(runner, "versions", lambda: {"torch": "0"})
    assert len(found | {runner._kept(places, "rank", job)}) == 3


@pytest.mark.parametrize("arguments", [["nothing"], ["twins", "--dataset", "mnist"]], ids=["unknown", "not for it"])
def test_unknown_names_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name ends the command with a sentence, before anything is run."""
    with pytest.raises(SystemExit):
        __main__.main(arguments)
    assert "no experiment is named nothing" in (said := capsys.readouterr().err) or "is made for mnist" in said


def test_what_is_not_finite_is_none(tmp_path: Path) -> None:
    """JSON has no infinity: what diverged is null, and other numbers keep six digits."""
    runner._keep(tmp_path / "a.json", {"losses": [float("nan"), float("inf"), 1 / 3], "name": "x"})
    assert json.loads((tmp_path / "a.json").read_text()) == {"losses": [None, None, 0.333333], "name": "x"}


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An IDX file."""
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_mnist_is_read_from_its_files(zipped: bool, tmp_path: Path) -> None:
    """The four IDX files come back as they are, gzipped or not."""
    random = np.random.default_rng(0)
    arrays = [random.integers(0, 256, shape, dtype=np.uint8) for shape in ((5, 28, 28), (5,), (3, 28, 28), (3,))]
    for name, array in zip(data.MNIST, arrays, strict=True):
        content = idx(array)
        (tmp_path / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(content) if zipped else content)
    for found, array in zip(data.mnist(tmp_path), arrays, strict=True):
        assert np.array_equal(found, array)


@pytest.mark.parametrize("content", [b"", b"\0\0\x0d\x01\0\0\0\0", idx(np.zeros((2, 2), np.uint8))[:-1]])
def test_other_files_are_no_idx(content: bytes) -> None:
    """A file of another kind, or cut off, is refused."""
    with pytest.raises(ValueError, match="an IDX file"):
        data.idx(content)


def archive(folder: Path, content: Callable[[int], Any]) -> None:
    """An archive as CIFAR-10's, with batches of that content."""
    with tarfile.open(folder / data.CIFAR, "w:gz") as files:
        for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]):
            pickled = pickle.dumps(content(number), protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(pickled)
            files.addfile(member, io.BytesIO(pickled))


def test_cifar_is_read_from_its_archive(tmp_path: Path) -> None:
    """Images and labels come back in the order of the batches."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 2, 3072), dtype=np.uint8)
    archive(tmp_path, lambda n: {b"data": pixels[n], b"labels": [n, n + 1]} if n < 6 else {})
    x, y, test_x, test_y = data.cifar10(tmp_path)
    assert np.array_equal(x.numpy(), pixels[:5].reshape(10, 3, 32, 32))
    assert y.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert np.array_equal(test_x.numpy(), pixels[5].reshape(2, 3, 32, 32))
    assert test_y.tolist() == [5, 6]


class Harmful:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        """Make a folder."""
        return os.mkdir, (Harmful.folder,)

    folder = ""


@pytest.mark.parametrize(
    "content",
    [Harmful(), np.array([Harmful()], dtype=object), slice(1), print],
    ids=["call", "objects", "type", "name"],
)
def test_an_archive_runs_nothing(content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle of anything but arrays is refused, and what it would have done is not done."""
    monkeypatch.setattr(Harmful, "folder", str(tmp_path / "done"))
    archive(tmp_path, lambda _: {b"data": content, b"labels": [0]})
    with pytest.raises(pickle.UnpicklingError, match="the archive must hold"):
        data.cifar10(tmp_path)
    assert not (tmp_path / "done").exists()


def test_without_a_network_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files are missing and cannot be fetched, the command ends with what is missing and where it belongs."""
    with pytest.raises(SystemExit, match="pass --data DIR"):
        data.load("mnist")
    monkeypatch.setattr(data, "_fetch", lambda *_: False)
    with pytest.raises(SystemExit, match="could not be fetched: put its standard files there"):
        data.load("mnist", str(tmp_path))


def test_networks_of_an_ensemble_do_not_meet() -> None:
    """Each network ends where it ends when trained alone, whatever the others do."""
    found = data.load("digits")
    shapes = [(32, 64), (10, 32)]

    def train(seeds: list[int], rates: list[float]) -> list[torch.Tensor]:
        weights = starts.ensemble("kaiming", shapes, seeds)
        training.descend(training.mlp, weights, training.batches(found.train, seeds, 64, 1), rates)
        return weights

    together = train([0, 1, 2], [0.1, math.nan, 0.3])
    for member, (seed, rate) in enumerate(((0, 0.1), (1, math.nan), (2, 0.3))):
        for weight, alone in zip(together, train([seed], [rate]), strict=True):
            assert torch.allclose(weight[member], alone[0], rtol=1e-4, atol=1e-6, equal_nan=True)
    assert not together[0][1].isfinite().all()


def test_training_is_what_torch_does() -> None:
    """Both ways of descent end where torch's own optimizer, schedule and clipping end."""
    found = data.load("digits")
    steps = 2 * (len(found.train[0]) // 64)
    for carefully in (False, True):
        weights = starts.ensemble("default", [(32, 64), (10, 32)], [3])
        model = torch.nn.Sequential(
            torch.nn.Linear(64, 32, bias=False), torch.nn.ReLU(), torch.nn.Linear(32, 10, bias=False)
        )
        for layer, weight in zip((model[0], model[2]), weights, strict=True):
            layer.weight.data.copy_(weight[0])
        optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.9 if carefully else 0.0)
        for step, (x, y) in enumerate(training.batches(found.train, [3], 64, 2)):
            optimizer.param_groups[0]["lr"] = 0.3 * (1 - step / steps) if carefully else 0.3
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[0]), y[0]).backward()
            if carefully:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        samples = training.batches(found.train, [3], 64, 2)
        if carefully:
            training.descend_carefully(training.mlp, weights, samples, [0.3], steps)
        else:
            training.descend(training.mlp, weights, samples, [0.3])
        assert torch.allclose(weights[0][0], model[0].weight, atol=1e-4)


def test_measures_of_rank() -> None:
    """Both ranks of a projection are its rank, and the spectrum alone counts."""
    matrix = torch.zeros(1, 6, 6)
    matrix[0, range(3), range(3)] = 2.0
    for values in trajectories.measures(matrix).values():
        assert values == pytest.approx([3.0])
    one_large = torch.diag(torch.tensor([10.0, 1.0]))[None]
    assert trajectories.measures(one_large)["stable"] == pytest.approx([1.01])


def test_pruning_and_truncation() -> None:
    """Pruning keeps the largest entries of each matrix, truncation its largest singular values."""
    weights = torch.tensor([[[1.0, -4.0], [3.0, 2.0]], [[0.0, 1.0], [1.0, 0.0]]])
    assert compression.prune(weights, 0.5).tolist() == [[[0, -4], [3, 0]], [[0, 1], [1, 0]]]
    cut = compression.truncate(torch.diag(torch.tensor([3.0, 2.0, 1.0]))[None], 2)
    assert torch.allclose(cut[0], torch.diag(torch.tensor([3.0, 2.0, 0.0])), atol=1e-6)


def test_grouped_convolutions_are_the_networks_apart() -> None:
    """The deep residual network of an ensemble is that of each member alone."""
    shapes = [(8, 1, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3), (10, 8)]
    weights, x = starts.ensemble("kaiming", shapes, [0, 1, 2]), torch.randn(3, 5, 64)
    together = residual.network(weights, x)
    for member in range(3):
        alone = residual.network([weight[member : member + 1] for weight in weights], x[member : member + 1])
        assert torch.allclose(together[member], alone[0], atol=1e-5)


@pytest.mark.parametrize(("name", "count"), [("resnet18", 11_173_962), ("resnet50", 25_557_032)])
def test_resnets_have_the_known_sizes(name: str, count: int) -> None:
    """The parameters of both networks are as many as everywhere."""
    with torch.device("meta"):
        model = networks.network(name, 10 if name == "resnet18" else 1000, "kaiming")
    assert sum(weight.numel() for weight in model.parameters()) == count

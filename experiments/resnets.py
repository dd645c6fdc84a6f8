"""ResNet-18 on CIFAR-10 and ResNet-50 on ImageNet, ten seeds: warm-up, cosine schedule, mixed precision, resumable.

One process: ``python -m experiments.resnets resnet18 --data DIR``. Several GPUs, by torch's own launcher:
``torchrun --nproc-per-node=8 -m experiments.resnets resnet50 --data DIR``. ``--synthetic``: on a few made-up images.
"""

import argparse
import json
import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from . import data
from .networks import network
from .runner import versions


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with Nesterov momentum 0.9, a linear warm-up, then a cosine to zero.

    Attributes
    ----------
    rate : float
        The highest rate, for a batch of `batch` over all processes.
    clip : float
        The largest norm of a gradient: ZerO's first ones are very large in front of BatchNorms.
    """

    epochs: int
    warm_up: int
    batch: int
    rate: float
    decay: float
    smoothing: float
    clip: float = 1.0


RECIPES = {"resnet18": Recipe(200, 5, 128, 0.1, 5e-4, 0.0), "resnet50": Recipe(90, 5, 256, 0.1, 1e-4, 0.1)}
TINY = Recipe(2, 1, 8, 0.1, 5e-4, 0.0)


class Cifar(Dataset[tuple[Tensor, Tensor]]):
    """CIFAR-10 from its archive; to learn from, moved by up to four pixels and mirrored at random."""

    def __init__(self, images: Tensor, labels: Tensor, *, train: bool) -> None:
        middle, spread = (torch.tensor(of)[:, None, None] for of in ((0.491, 0.482, 0.447), (0.247, 0.243, 0.262)))
        self._images, self._labels, self._train = (images.float() / 255 - middle) / spread, labels, train

    def __len__(self) -> int:
        """How many there are."""
        return len(self._images)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """One image and its label."""
        image = self._images[number]
        if self._train:
            top, left, mirrored = torch.randint(9, (3,)).tolist()
            image = nn.functional.pad(image, (4, 4, 4, 4))[:, top : top + 32, left : left + 32]
            image = image.flip(2) if mirrored % 2 else image
        return image, self._labels[number]


def imagenet(folder: Path, *, train: bool) -> Any:
    """ImageNet from a folder with ``train`` and ``val``, each with a folder per class."""
    import torchvision
    from torchvision.transforms import v2

    crop = [v2.RandomResizedCrop(224), v2.RandomHorizontalFlip()] if train else [v2.Resize(256), v2.CenterCrop(224)]
    normal = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    change = v2.Compose([v2.ToImage(), *crop, v2.ToDtype(torch.float32, scale=True), normal])
    return torchvision.datasets.ImageFolder(str(folder / ("train" if train else "val")), change)


def made_up(classes: int, size: int, count: int) -> Any:
    """Images of noise whose mean tells the class."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    images = torch.randn(count, 3, size, size, generator=random) * 0.5 + labels[:, None, None, None] / classes
    return torch.utils.data.TensorDataset(images, labels)


def sets(name: str, folder: Path, *, synthetic: bool) -> tuple[Any, Any, int]:
    """The images to learn from, those to test with, and the number of classes."""
    if synthetic:
        size = {"resnet18": 16, "resnet50": 32}[name]
        return made_up(10, size, 16), made_up(10, size, 8), 10
    if name == "resnet18":
        x, y, test_x, test_y = data.cifar10(folder)
        return Cifar(x, y, train=True), Cifar(test_x, test_y, train=False), 10
    return imagenet(folder, train=True), imagenet(folder, train=False), 1000


class Run:
    """One seed of one network, which can be stopped after any epoch and resumed."""

    def __init__(self, chosen: argparse.Namespace, recipe: Recipe, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.recipe, self.device, self.seed = recipe, device, seed
        train, test, classes = sets(chosen.model, Path(chosen.data or "."), synthetic=chosen.synthetic)
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.sampler = DistributedSampler(train, seed=seed) if self.world > 1 else None
        seen = torch.Generator().manual_seed(seed)
        options: dict[str, Any] = {"num_workers": chosen.workers, "pin_memory": device.type == "cuda"}
        size = recipe.batch // self.world
        self.batches = DataLoader(
            train, size, self.sampler is None, self.sampler, generator=seen, drop_last=True, **options
        )
        part = test if self.world == 1 else torch.utils.data.Subset(test, range(_rank(), len(test), self.world))
        self.tests = DataLoader(part, size, **options)
        self.bare = network(chosen.model, classes, chosen.start).to(device, memory_format=torch.channels_last)
        places = [device.index] if device.type == "cuda" else None
        self.model = nn.parallel.DistributedDataParallel(self.bare, places) if self.world > 1 else self.bare
        decayed = [weight for weight in self.bare.parameters() if weight.ndim > 1]
        others = [weight for weight in self.bare.parameters() if weight.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.SGD(groups, recipe.rate, momentum=0.9, nesterov=True)
        warm = recipe.warm_up * len(self.batches)
        rest = max(1, recipe.epochs * len(self.batches) - warm)
        rising = torch.optim.lr_scheduler.LinearLR(self.optimizer, 1 / max(1, warm), total_iters=warm)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, rest)
        self.schedule = torch.optim.lr_scheduler.SequentialLR(self.optimizer, [rising, falling], [warm])
        self.kind = torch.float16 if device.type == "cuda" else torch.bfloat16
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.kind == torch.float16)
        self.epoch, self.losses, self.accuracies, self.resumed = 0, [], [], False  # type: ignore[var-annotated]  # below

    def epoch_(self) -> None:
        """Learn from every image once, then test."""
        self.model.train()
        if self.sampler:
            self.sampler.set_epoch(self.epoch)
        total = torch.zeros(2, device=self.device)
        for x, y in self.batches:
            images, labels = self._there(x, y)
            self.optimizer.zero_grad()
            with torch.autocast(self.device.type, self.kind):
                loss = nn.functional.cross_entropy(self.model(images), labels, label_smoothing=self.recipe.smoothing)
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.bare.parameters(), self.recipe.clip)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.schedule.step()
            total += torch.stack([loss.detach() * len(labels), labels.new_tensor(len(labels))])
        self.losses.append(_share(total))
        self.accuracies.append(100 * self._test())
        self.epoch += 1

    @torch.no_grad()
    def _test(self) -> float:
        self.bare.eval()
        total = torch.zeros(2, device=self.device)
        for x, y in self.tests:
            images, labels = self._there(x, y)
            with torch.autocast(self.device.type, self.kind):
                right = (self.bare(images).argmax(1) == labels).sum()
            total += torch.stack([right, labels.new_tensor(len(labels))])
        return _share(total)

    def _there(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        images = x.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        return images, y.to(self.device, non_blocking=True)

    def save(self, path: Path) -> None:
        """Write all that is needed to go on, whole or not at all, by the first process."""
        if _rank() == 0:
            parts = {name: getattr(self, name).state_dict() for name in ("bare", "optimizer", "schedule", "scaler")}
            random = {"random": torch.get_rng_state(), "order": self.batches.generator.get_state()}
            part = path.with_suffix(".part")
            done = {"epoch": self.epoch, "losses": self.losses, "accuracies": self.accuracies}
            torch.save(parts | random | done, part)
            part.replace(path)

    def load(self, path: Path) -> None:
        """Go on where a run has stopped, if one has."""
        if path.exists():
            kept = torch.load(path, map_location="cpu", weights_only=True)
            for name in ("bare", "optimizer", "schedule", "scaler"):
                getattr(self, name).load_state_dict(kept[name])
            torch.set_rng_state(kept["random"])
            self.batches.generator.set_state(kept["order"])
            self.epoch, self.losses, self.accuracies, self.resumed = (
                kept["epoch"],
                kept["losses"],
                kept["accuracies"],
                True,
            )


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _share(total: Tensor) -> float:
    """A sum over a count, both over all processes."""
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(total)
    return float(total[0] / total[1])


def main() -> None:
    """Train every seed, and write the accuracies."""
    parser = argparse.ArgumentParser(prog="experiments.resnets", description=__doc__)
    parser.add_argument("model", choices=tuple(RECIPES))
    parser.add_argument("--start", choices=("zero", "kaiming"), default="zero")
    parser.add_argument("--seeds", type=int, help="how many (default 10)")
    parser.add_argument(
        "--data", metavar="DIR", help="the folder of CIFAR-10's archive, or of ImageNet's train and val"
    )
    parser.add_argument("--synthetic", action="store_true", help="a few made-up images, two epochs, one seed")
    parser.add_argument("--workers", type=int, default=0, help="processes that read images")
    parser.add_argument("--stop-after", type=int, metavar="N", help="stop after N epochs; the same command goes on")
    here = Path(__file__).parent / "results" / "resnets"
    parser.add_argument("--out", type=Path, metavar="DIR", default=here, help="for the result, and for what is resumed")
    chosen = parser.parse_args()
    if not (chosen.data or chosen.synthetic):
        parser.error("pass --data DIR, or --synthetic")
    recipe = TINY if chosen.synthetic else RECIPES[chosen.model]
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
    if "WORLD_SIZE" in os.environ:
        torch.distributed.init_process_group("nccl" if gpu else "gloo")
    with torch.cuda.device(device) if gpu else nullcontext():
        _train(chosen, recipe, device)
    if "WORLD_SIZE" in os.environ:
        torch.distributed.destroy_process_group()


def _train(chosen: argparse.Namespace, recipe: Recipe, device: torch.device) -> None:
    chosen.out.mkdir(parents=True, exist_ok=True)
    title, runs = f"{chosen.model}-{chosen.start}", []
    seeds = range(chosen.seeds or (1 if chosen.synthetic else 10))
    for seed in seeds:
        run = Run(chosen, recipe, seed, device)
        path = chosen.out / f"{title}-{seed}.pt"
        run.load(path)
        while run.epoch < recipe.epochs:
            run.epoch_()
            run.save(path)
            if _rank() == 0:
                print(
                    f"seed {seed}, epoch {run.epoch}: loss {run.losses[-1]:.4f}, accuracy {run.accuracies[-1]:.2f} %",
                    flush=True,
                )
            if run.epoch == chosen.stop_after:
                return
        runs.append(run)
    if _rank() == 0:
        losses, accuracy = [run.losses for run in runs], [run.accuracies[-1] for run in runs]
        found = {"accuracy": accuracy, "losses": losses, "epochs": recipe.epochs, "seeds": list(seeds)}
        found |= {"resumed": any(run.resumed for run in runs), "versions": versions(), "device": str(device)}
        (chosen.out / f"{title}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

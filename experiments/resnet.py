"""ResNet-18 on CIFAR-10 and ResNet-50 on ImageNet: run here on a few made-up images only, to see that they run.

The real thing is `experiments.resnets`, for machines with GPUs; what it measures goes into ``results/resnet-*.json``.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .figures import plus_minus
from .runner import ROOT, Config, Done, Experiment, Finding, Job

MODELS = {"resnet18": "ResNet-18, CIFAR-10", "resnet50": "ResNet-50, ImageNet"}


def jobs(config: Config) -> list[Job]:  # noqa: ARG001  # the images are few in any case
    """One script in one process, one in two, each stopped and resumed."""
    return [
        {"model": model, "processes": processes, "weight": 20} for model, processes in zip(MODELS, (1, 2), strict=True)
    ]


def run(*, model: str, processes: int) -> dict[str, Any]:
    """Run a script as a user would, twice: the second time it goes on where the first has stopped."""
    with TemporaryDirectory() as folder:
        launch = (
            ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
        )
        command = [sys.executable, *launch, "-m", "experiments.resnets", model, "--synthetic", "--out", folder]
        for stop in (["--stop-after", "1"], []):
            done = subprocess.run([*command, *stop], cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr[-3000:])
        found = json.loads((Path(folder) / f"{model}-zero.json").read_text(encoding="utf-8"))
    return {"epochs": found["epochs"], "resumed": found["resumed"], "seeds": found["seeds"], "losses": found["losses"]}


def find(done: Sequence[Done]) -> Finding:
    """What was seen to run, and what was measured elsewhere."""
    ran = all(
        item.result["resumed"] and all(loss is not None for run in item.result["losses"] for loss in run)
        for item in done
    )
    rows = []
    for model, title in MODELS.items():
        for start in ("zero", "kaiming"):
            path = Path(__file__).parent / "results" / "resnets" / f"{model}-{start}.json"
            measured = json.loads(path.read_text(encoding="utf-8"))["accuracy"] if path.exists() else []
            cell = plus_minus([100 - accuracy for accuracy in measured], 2) if measured else ""
            rows.append([title, {"zero": "ZerO", "kaiming": "Kaiming"}[start], "Table 2 of the paper", cell])
    words = "both scripts run end to end, resume, and run on two processes" if ran else "a script FAILED"
    caption = (
        "Test error in percent. The measured cells are empty until somebody runs the scripts on GPUs; the published "
    )
    caption += "numbers are not printed here, as we could not check them."
    return Finding(
        "not run", words + "; nothing was measured", [(caption, ["task", "start", "published", "measured"], rows)]
    )


EXPERIMENT = Experiment(
    claim="ZerO reaches state-of-the-art accuracy with ResNets",
    setting="`python -m experiments.resnets resnet18 --data DIR` (CIFAR-10) and `torchrun --nproc-per-node=8 -m "
    "experiments.resnets resnet50 --data DIR` (an ImageNet folder), ten seeds; `--start kaiming` for the "
    "control; here on a few made-up images",
    rule="none: two cores cannot train these; that the scripts run is seen",
    jobs=jobs,
    run=run,
    find=find,
)

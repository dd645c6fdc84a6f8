"""A few processes that fill sharded tensors and models together: ``python sharded.py PROCESSES FOLDER``.

Each case is filled, gathered, and written down by its first process as a digest: FOLDER/digests.json.
"""

import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

import zero_array.torch

SHAPES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "uneven": ((7, 5), {}),
    "fewer rows than processes": ((3, 9), {}),
    "even": ((64, 32), {}),
    "kernel": ((16, 4, 3, 3), {}),
    "groups": ((12, 3, 3), {"groups": 3}),
    "transposed": ((6, 10, 2), {"groups": 2, "transposed": True}),
}

PLACEMENTS: dict[str, tuple[Any, ...]] = {"rows": (Shard(0),), "columns": (Shard(1),), "replicated": (Replicate(),)}

MESHES: dict[str, tuple[Any, ...]] = {
    "blocks": (Shard(0), Shard(1)),
    "rows twice": (Shard(0), Shard(0)),
    "columns of copies": (Replicate(), Shard(1)),
}


class Block(nn.Module):
    """A residual block of odd sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(6), nn.Linear(6, 14), nn.Linear(14, 6)

    def forward(self, x: Tensor) -> Tensor:
        """Add a branch."""
        return x + self.down(self.up(self.norm(x)).relu())


def model() -> nn.Module:
    """A model with layers of every sort that shards in a way of its own."""
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(6, 5))
    return nn.Sequential(nn.Conv1d(3, 6, 3, padding=1), nn.Flatten(), nn.Linear(18, 6), Block(), Block(), normed)


def digest(tensor: Tensor) -> str:
    """The bytes of a tensor."""
    return hashlib.sha256(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()).hexdigest()


def tensors(mesh: DeviceMesh, placements: dict[str, tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    """Tensors of every shape and placement, filled in place."""
    for name, (shape, options) in SHAPES.items():
        for where, placement in placements.items():
            tensor = distribute_tensor(torch.full(shape, float("nan")), mesh, placement)
            assert zero_array.torch.zero_init_(tensor, **options) is tensor
            yield f"{name}, {where}", digest(tensor.full_tensor())


def models() -> Iterator[tuple[str, str]]:
    """A model planned on meta, sharded by FSDP, made empty and filled: as a whole, and module by module."""
    for way in ("whole", "by module"):
        with torch.device("meta"):
            sharded = model()
        plan = zero_array.torch.init_(sharded)
        fill = zero_array.torch.initializer(sharded, plan)
        for layer in sharded:
            if list(layer.parameters()):
                fully_shard(layer)
        fully_shard(sharded)
        sharded.to_empty(device="cpu")
        for parameter in sharded.parameters():
            parameter.to_local().detach().fill_(float("nan"))
        if way == "whole":
            zero_array.torch.init_(sharded, plan)
        else:
            for module in sharded.modules():
                fill(module)
        yield from ((f"{way}, {name}", digest(item.full_tensor())) for name, item in sharded.named_parameters())
        x = torch.arange(18.0).reshape(2, 3, 3)
        yield f"{way}, output", digest(sharded(x))
    yield "planned too late", refusal(zero_array.torch.init_, sharded)
    yield "without structure", zero_array.torch.init_(sharded, "mlp", dry_run=True).recipe


def pair() -> nn.Module:
    """Two layers, for two processes that share each, in two groups that share all."""
    return nn.Sequential(nn.Linear(6, 14), nn.ReLU(), nn.Linear(14, 6))


def parallel(mesh: DeviceMesh) -> Iterator[tuple[str, str]]:
    """A model that is cut by tensor parallelism along one axis of the mesh, and by FSDP along the other."""
    with torch.device("meta"):
        sharded = pair()
    plan = zero_array.torch.init_(sharded)
    parallelize_module(sharded, mesh["inside"], {"0": ColwiseParallel(), "2": RowwiseParallel()})
    fully_shard(sharded, mesh=mesh["outside"])
    sharded.to_empty(device="cpu")
    zero_array.torch.init_(sharded, plan)
    yield from ((f"parallel, {name}", digest(item.full_tensor())) for name, item in sharded.named_parameters())


def bilinear(mesh: DeviceMesh) -> Iterator[tuple[str, str]]:
    """A bilinear layer behind another, sharded along its outputs, then along its first input."""
    for axis in (0, 1):
        layers = nn.ModuleList([nn.Linear(4, 4), nn.Bilinear(4, 3, 5)])
        layers[0].weight.detach().fill_(7.0)
        layers[1].weight = nn.Parameter(distribute_tensor(layers[1].weight.detach(), mesh, [Shard(axis)]))
        yield f"bilinear {axis}, refusal", refusal(zero_array.torch.init_, layers, "mlp")
        yield f"bilinear {axis}, first", str(layers[0].weight[0].tolist())
        yield f"bilinear {axis}", digest(layers[1].weight.full_tensor())


def refusal(function: Any, *given: Any) -> str:
    """What an error says."""
    try:
        function(*given)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def work(rank: int, processes: int, folder: Path) -> None:
    """What one process does."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=processes)
    try:
        mesh = init_device_mesh("cpu", (processes,))
        found = dict(tensors(mesh, PLACEMENTS)) | dict(models()) | dict(bilinear(mesh))
        if processes == 4:
            square = init_device_mesh("cpu", (2, 2), mesh_dim_names=("outside", "inside"))
            found |= dict(tensors(square, MESHES)) | dict(parallel(square))
        partial = DTensor.from_local(torch.ones(4, 4), mesh, [Partial()])
        found["partial"] = refusal(zero_array.torch.zero_init_, partial)
        assert bool((partial.to_local() == 1).all())
        if rank == 0:
            (folder / "digests.json").write_text(json.dumps(found), encoding="utf-8")
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    count, place = int(sys.argv[1]), Path(sys.argv[2])
    forked = multiprocessing.get_context("fork")  # torch is imported once
    workers = [forked.Process(target=work, args=(rank, count, place), daemon=True) for rank in range(count)]
    for worker in workers:
        worker.start()
    end = monotonic() + 90
    for worker in workers:
        worker.join(max(0.0, end - monotonic()))
    for worker in workers:
        worker.kill()  # whoever still waits for another one
    sys.exit(any(worker.exitcode != 0 for worker in workers))

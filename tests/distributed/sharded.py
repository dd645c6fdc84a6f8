"""A few processes that fill sharded tensors and models together: ``python sharded.py PROCESSES FOLDER``.

Each case is filled, gathered, and written down by the first process as a digest: FOLDER/PROCESSES.json. Four processes
also leave a checkpoint in FOLDER, which any other number of them reads.
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
import torch.distributed.checkpoint as checkpoints
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
    """Two layers that processes share by tensor parallelism, evenly or not."""
    return nn.Sequential(nn.Linear(6, 14), nn.ReLU(), nn.Linear(14, 6))


STYLES = {"0": ColwiseParallel(), "2": RowwiseParallel()}


def parallel(mesh: DeviceMesh) -> Iterator[tuple[str, str]]:
    """A model that is cut by tensor parallelism; where the mesh has another axis, by FSDP along that."""
    with torch.device("meta"):
        sharded = pair()
    plan = zero_array.torch.init_(sharded)
    parallelize_module(sharded, mesh["inside"] if mesh.ndim == 2 else mesh, STYLES)
    if mesh.ndim == 2:
        fully_shard(sharded, mesh=mesh["outside"])
    sharded.to_empty(device="cpu")
    zero_array.torch.init_(sharded, plan)
    way = "both ways" if mesh.ndim == 2 else "parallel"
    yield from ((f"{way}, {name}", digest(item.full_tensor())) for name, item in sharded.named_parameters())


def checkpoint(mesh: DeviceMesh, folder: Path) -> Iterator[tuple[str, str]]:
    """A model's checkpoint, written by four processes, and read by others into other shards."""
    written = mesh.size() == 4
    with torch.device("meta"):
        sharded = model()
    plan = zero_array.torch.init_(sharded)
    fully_shard(sharded, mesh=mesh)
    sharded.to_empty(device="cpu")
    if written:
        zero_array.torch.init_(sharded, plan)
        checkpoints.save(sharded.state_dict(), checkpoint_id=folder)
    else:
        for parameter in sharded.parameters():
            parameter.to_local().detach().fill_(float("nan"))
        state = sharded.state_dict()
        checkpoints.load(state, checkpoint_id=folder)
        sharded.load_state_dict(state)
    yield from ((f"checkpoint, {name}", digest(item.full_tensor())) for name, item in sharded.named_parameters())


def gathered(mesh: DeviceMesh, value: Any) -> list[Any]:
    """What each process has."""
    held: list[Any] = [None] * mesh.size()
    distributed.all_gather_object(held, value)
    return held


def wrong(mesh: DeviceMesh) -> Iterator[tuple[str, Any]]:
    """A tensor whose shape is not the one of its shards, and one that is a sum: refused, and left as they were."""
    terms = DTensor.from_local(torch.ones(4, 4), mesh, [Partial()])
    longer = DTensor.from_local(torch.ones(3, 5), mesh, [Shard(0)], run_check=False, shape=(17, 5), stride=(5, 1))
    for name, tensor in {"partial": terms, "other shape": longer}.items():
        yield f"{name}, refusals", gathered(mesh, refusal(zero_array.torch.zero_init_, tensor))
        yield f"{name}, left", gathered(mesh, bool((tensor.to_local() == 1).all()))


def compared(mesh: DeviceMesh) -> Iterator[tuple[str, Any]]:
    """What each process finds: that its shard is the start, and then which entry it changed."""
    for where, placement in PLACEMENTS.items():
        tensor = zero_array.torch.zero_init_(distribute_tensor(torch.empty(64, 32), mesh, placement))
        local, window = zero_array.torch.local_part(tensor)
        found = [zero_array.compare(local, tensor.shape, window=window)]
        local[-1, -1] = 7.0
        found.append(zero_array.compare(local, tensor.shape, window=window))
        yield f"compared, {where}", gathered(mesh, found)
    yield "compared as a whole", refusal(zero_array.compare, tensor, tensor.shape)


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
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store{processes}", rank=rank, world_size=processes
    )
    try:
        mesh = init_device_mesh("cpu", (processes,))
        found: dict[str, Any] = dict(tensors(mesh, PLACEMENTS)) | dict(models()) | dict(bilinear(mesh))
        found |= dict(parallel(mesh)) | dict(checkpoint(mesh, folder / "checkpoint"))
        found |= dict(wrong(mesh)) | dict(compared(mesh))
        if processes == 4:
            square = init_device_mesh("cpu", (2, 2), mesh_dim_names=("outside", "inside"))
            found |= dict(tensors(square, MESHES)) | dict(parallel(square))
        if rank == 0:
            (folder / f"{processes}.json").write_text(json.dumps(found), encoding="utf-8")
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

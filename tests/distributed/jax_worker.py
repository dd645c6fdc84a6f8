"""One process of a few that make sharded arrays together on JAX: ``python jax_worker.py RANK PROCESSES PORT FILE``.

There are eight devices in all. Every array is made by ``out_shardings`` and by a callback for each
shard; what this process holds of it is written to FILE, with what the compiler says of the call.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy
import numpy
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax_cases import CASES, DIRECTIONS

import zero_array

RANK, PROCESSES = int(sys.argv[1]), int(sys.argv[2])


def shardings(count: int) -> Iterator[tuple[str, NamedSharding]]:
    """The ways to put so many shards on devices, taken from all processes in turn."""
    devices = sorted(jax.devices(), key=lambda device: (device.id % (8 // PROCESSES), device.process_index))[:count]
    for name, (parts, cuts) in DIRECTIONS.items():
        if count >= cuts:
            mesh = Mesh(numpy.asarray(devices).reshape(count // cuts, cuts), ("a", "b"))
            yield name, NamedSharding(mesh, PartitionSpec(*parts))


def shards(array: Any) -> list[Any]:
    """What this process holds: where it is in the whole, and its bytes."""
    found = []
    for shard in array.addressable_shards:
        ends = [part.indices(size)[:2] for part, size in zip(shard.index, array.shape, strict=True)]
        found.append([ends, numpy.asarray(shard.data).tobytes().hex()])
    return found


def made(sharding: NamedSharding, shape: tuple[int, ...], options: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """An array in every way, and what the compiler says of the jitted call on one device."""

    def init(**more: Any) -> Any:
        return zero_array.zero_init(shape, **{"dtype": "float32", **options, **more})

    call = jax.jit(lambda: init(xp=jax.numpy), out_shardings=sharding).lower().compile()
    plan, words = call.memory_analysis(), ("all-", "collective", "reduce-scatter", "send", "recv")
    yield (
        "plan",
        {
            "collectives": [word for word in words if word in call.as_text()],
            "input": plan.argument_size_in_bytes,
            "output": plan.output_size_in_bytes,
            "temporary": plan.temp_size_in_bytes,
        },
    )
    yield "jit", shards(call())
    if "window" not in options:
        yield "callback", shards(jax.make_array_from_callback(shape, sharding, lambda index: init(window=index)))


def compared() -> Iterator[tuple[str, Any]]:
    """The shards of an array against its definition, and what is refused."""
    mesh = Mesh(numpy.asarray(jax.devices()), ("a",))
    sharding = NamedSharding(mesh, PartitionSpec("a"))
    array = zero_array.zero_init((64, 24), xp=jax.numpy, device=sharding)
    yield (
        "compared",
        [zero_array.compare(shard.data, array.shape, window=shard.index) for shard in array.addressable_shards],
    )
    yield "whole", refusal(lambda: zero_array.compare(array, array.shape))
    yield "refusal of a shape", refusal(lambda: zero_array.zero_init((65, 24), xp=jax.numpy, device=sharding))
    longer = (128, 24)  # than the callback believes: half of the windows are outside
    yield (
        "refusal of a window",
        refusal(
            lambda: jax.make_array_from_callback(
                longer, sharding, lambda index: zero_array.zero_init((64, 24), window=index)
            )
        ),
    )


def refusal(call: Callable[[], Any]) -> str:
    """What an error says."""
    try:
        call()
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def main() -> None:
    """Make every case in every number of shards, in every direction, in every way."""
    jax.config.update("jax_num_cpu_devices", 8 // PROCESSES)
    if PROCESSES > 1:
        jax.distributed.initialize(f"127.0.0.1:{sys.argv[3]}", num_processes=PROCESSES, process_id=RANK)
    assert (len(jax.devices()), len(jax.local_devices())) == (8, 8 // PROCESSES)
    found = dict(compared())
    for case, (shape, options) in CASES.items():
        for count in (1, 2, 4, 8):
            for direction, sharding in shardings(count):
                if sharding.addressable_devices:
                    for way, value in made(sharding, shape, options):
                        found[f"{case}, {count}, {direction}, {way}"] = value
    Path(sys.argv[4]).write_text(json.dumps(found), encoding="ascii")


if __name__ == "__main__":
    main()

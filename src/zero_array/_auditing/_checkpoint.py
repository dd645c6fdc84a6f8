"""A checkpoint on disk as names and arrays: .safetensors, shards of these by their index, .npz."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import _audit_checks, _npz, _safetensors


@contextmanager
def opened(file: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The arrays of a file, each of which reads itself window by window, while it is open."""
    path = Path(file)
    is_index = path.name.lower().endswith(".safetensors.index.json")
    if not is_index and path.suffix.lower() not in (".safetensors", ".npz"):
        raise _audit_checks.no_format(path)
    if not path.is_file():
        raise _audit_checks.no_file(path)
    if path.suffix.lower() == ".npz":
        with _npz.opened(path) as arrays:
            yield arrays
    else:
        yield _sharded(path) if is_index else _safetensors.read(path)


def _sharded(index: Path) -> dict[str, Any]:
    """The arrays of all shards that an index names; they lie beside it."""
    if index.stat().st_size > _safetensors.LONGEST:
        raise _audit_checks.bad_file(index, f"it is longer than the {_safetensors.LONGEST} bytes that are read")
    places = _safetensors.parse(index, index.read_bytes()).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
        raise _audit_checks.bad_file(index, "it has no `weight_map` of names to files")
    shards = {}
    for shard in sorted(set(places.values())):
        path = index.parent / shard
        if shard in ("", ".", "..") or {"/", "\\", "\0"} & set(shard) or path.suffix != ".safetensors":
            raise _audit_checks.bad_file(
                index, f"it names {_audit_checks.shown(shard)}, no .safetensors file beside it"
            )
        if not path.is_file():
            raise _audit_checks.bad_file(index, f"its shard {_audit_checks.shown(shard)} is missing")
        shards[shard] = _safetensors.read(path)
    for name, shard in places.items():
        if name not in shards[shard]:
            raise _audit_checks.bad_file(index, f"{_audit_checks.shown(name)} is not in {_audit_checks.shown(shard)}")
    return {name: shards[shard][name] for name, shard in places.items()}

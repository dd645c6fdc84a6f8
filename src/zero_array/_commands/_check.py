"""`zero-array check`: do the installed backends build the same bits?

Every backend works in a process of its own (``python -m zero_array._commands._check NAME[:DEVICE] DTYPE``), so that
none can disturb another. It prints one JSON object; the parent compares.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

from .. import _host, _namespace
from .._init import zero_init
from .._typing import Array
from .._weight import DEFINITION
from ..backends import BACKENDS, backend
from ._networks import NETWORKS, RECORDED, Entry


def build(spec: str, dtype: str) -> dict[str, Any]:
    """Build all weights of all networks in one backend: their digests, and their time beside arrays of ones."""
    name, _, place = spec.partition(":")
    xp = _namespace.namespace(backend(name).namespace())  # not every raw `ones` takes a device
    device = backend(name).device(place)
    keywords = {"dtype": zero_init((1, 1), xp=xp, dtype=dtype, device=device).dtype}
    if device is not None:
        keywords["device"] = device
    seconds = {"zero_init": 0.0, "ones": 0.0}
    digests, weights, size = {}, {}, 0
    for network, entries in NETWORKS.items():
        whole = sha256()
        for entry in entries():

            def zero(entry: Entry = entry) -> Array:
                return zero_init(entry.shape, xp=xp, dtype=dtype, device=device, **entry.options)

            def ones(entry: Entry = entry) -> Array:
                return xp.ones(entry.shape, **keywords)

            data = _host.to_bytes(zero())  # not timed: the first calls may compile
            _host.finished(ones())
            whole.update(data)
            weights[f"{network}.{entry.name}"] = sha256(data).hexdigest()
            size += len(data)
            seconds["zero_init"] += _time(zero)
            seconds["ones"] += _time(ones)
        digests[network] = whole.hexdigest()
    return {
        "tensors": len(weights),
        "bytes": size,
        "seconds": seconds["zero_init"],
        "ratio": seconds["zero_init"] / seconds["ones"],
        "digests": digests,
        "weights": weights,
    }


def _time(make: Callable[[], Array]) -> float:
    """Seconds until an array is really there; it is dropped before the next is made."""
    start = perf_counter()
    _host.finished(make())
    return perf_counter() - start


def _in_child(spec: str, dtype: str) -> dict[str, Any]:
    """Run `build` in a process of its own; a row of the report, with its verdict where that is known already."""
    name, _, place = spec.partition(":")
    record = backend(name)
    row: dict[str, Any] = {"backend": name, "device": place or "default", "version": record.version()}
    if row["version"] is None:
        return row | {"result": "not installed", "status": 2}
    if dtype not in record.dtypes:
        return row | {"result": f"has no {dtype}", "status": 0}
    child = subprocess.run(
        [sys.executable, "-m", f"{__package__}._check", spec, dtype],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"JAX_ENABLE_X64": "1"},
    )
    if child.returncode:
        reason = (child.stderr.strip() or f"exit status {child.returncode}").splitlines()[-1]
        return row | {"result": f"failed: {reason}", "status": 2}
    report: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return row | report


def _judge(row: dict[str, Any], dtype: str, peers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Compare a row with the recorded digests, and name the first weight in which it differs from a peer's."""
    if "result" in row:
        return row
    if row["digests"] == RECORDED[dtype]:
        return row | {"result": "equal", "status": 0}
    for peer in peers:
        for name, digest in row["weights"].items():
            if digest != peer["weights"][name]:
                return row | {"result": f"differs from {peer['backend']} at {name}", "status": 1}
    return row | {"result": "differs from the record", "status": 1}


def rows(specs: Sequence[str], dtype: str) -> Iterator[dict[str, Any]]:
    """One row per backend as soon as it is there; all that are installed where none is named."""
    peers: list[dict[str, Any]] = []
    for spec in specs or [record.name for record in BACKENDS if record.version() is not None]:
        row = _judge(_in_child(spec, dtype), dtype, peers)
        if "weights" in row:
            peers.append(row)
        yield row


def own_version() -> str:
    """The installed version of this package; of a copy (under another name, or in a folder) nobody knows it."""
    try:
        return version("zero-array") if __package__ == "zero_array._commands" else "(a copy)"
    except PackageNotFoundError:
        return "(a copy)"


_COLUMNS = "{:10} {:12} {:10} {:>7} {:>10} {:>9} {:>7}  {}"


def check(specs: Sequence[str], dtype: str, *, as_json: bool) -> int:
    """Print the report; 0 where all are equal, 1 where bits differ, 2 where a backend could not be run."""
    for spec in specs:
        backend(spec.partition(":")[0])  # a name that is none is refused before anything is printed
    heading = {"zero_array": own_version(), "definition": DEFINITION, "dtype": dtype}
    found = []
    if not as_json:
        print("zero_array {zero_array}, definition {definition}, {dtype}:".format(**heading), ", ".join(NETWORKS))
        print(_COLUMNS.format("backend", "version", "device", "tensors", "MiB", "seconds", "/ ones", "result"))
    for row in rows(specs, dtype):
        found.append(row)
        if not as_json:
            print(_line(row), flush=True)
    status = max(row["status"] for row in found)
    if as_json:
        print(json.dumps(heading | {"status": status, "backends": found}, indent=1))
    return int(status)


def _line(row: dict[str, Any]) -> str:
    """One row as text."""
    figures = ["-"] * 4
    if "seconds" in row:
        figures = [
            str(row["tensors"]),
            f"{row['bytes'] / 2**20:.0f}",
            f"{row['seconds']:.2f}",
            f"{row['ratio']:.2f}",
        ]
    return _COLUMNS.format(row["backend"], row["version"] or "-", row["device"], *figures, row["result"])


if __name__ == "__main__":
    print(json.dumps(build(*sys.argv[1:])))

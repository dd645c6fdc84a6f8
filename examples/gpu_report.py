"""Is all of it true on this GPU? Writes a report to paste: bits, devices, streams, memory, speed.

For a machine with CuPy, PyTorch or JAX and a GPU; no network is needed. From a checkout::

    python examples/gpu_report.py

or as the one file that ``nox -s report`` makes, which holds the package too: ``python gpu_report.pyz``. With ``--cpu``
it runs on the CPU, to show what it does; with ``--quick`` it makes small arrays, and compares bits in float32 only. The
exit status is 0 where nothing failed.
"""

import argparse
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

if find_spec("zero_array") is None:  # a checkout that is not installed
    sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import numpy as np

import zero_array
from zero_array import _host, _namespace
from zero_array.backends import Backend, backend

LIBRARIES = ("cupy", "torch", "jax")
CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("zero_init", (4096, 1024), {}),
    ("zero_init", (1000, 784), {}),
    ("zero_init", (256, 128, 3, 3), {}),
    ("zero_init", (3, 3, 128, 256), {"in_axis": 2, "out_axis": 3, "center": "same"}),
    ("zero_init", (768, 256), {"groups": 3}),
    ("identity_init", (513, 1027), {}),
    ("hadamard_init", (3072, 768), {"order": "exact"}),
    ("hadamard_init", (4096, 64), {"columns": "distinct"}),
    ("hadamard_init", (2**31, 2**20), {"window": [(2**31 - 100, 2**31), (7, 300)]}),
    ("hadamard", 768, {}),
]


class Report:
    """Lines of Markdown; a part that fails becomes one of them."""

    def __init__(self) -> None:
        self.failed = False

    def part(self, title: str, lines: Callable[[], Iterator[str]]) -> None:
        """Print a part."""
        print(f"\n### {title}\n", flush=True)
        try:
            for line in lines():
                self.failed |= line.startswith("FAILED")
                print(line, flush=True)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs into the report
            self.failed = True
            print(f"FAILED: {type(error).__name__}: {error}", flush=True)


def devices(record: Backend, place: str) -> Iterator[Any]:
    """Every device of a library of the kind asked for; None stands for the default."""
    if place == "cpu":
        yield None
    elif record.name == "cupy":
        yield from map(record.namespace().cuda.Device, range(record.namespace().cuda.runtime.getDeviceCount()))
    elif record.name == "torch":
        yield from (f"cuda:{number}" for number in range(record.namespace().cuda.device_count()))
    elif record.name == "jax":
        yield from import_module("jax").devices("gpu")
    else:
        yield record.device(place)


def usable(record: Backend) -> list[str]:
    """The dtypes of a library: not bfloat16 where that is of ml_dtypes, which a bare machine may lack."""
    lacks = not hasattr(record.namespace(), "bfloat16") and find_spec("ml_dtypes") is None
    return [dtype for dtype in record.dtypes if dtype != "bfloat16" or not lacks]


def bits(record: Backend, place: str, dtypes: list[str]) -> Iterator[str]:
    """The command's check, in some dtypes."""
    found = Path(zero_array.__file__).parent.parent  # a folder, or the file that holds it all
    environment = os.environ | {"PYTHONPATH": str(found)}
    for dtype in dtypes:
        spec = record.name if place == "cpu" else f"{record.name}:{place}"
        command = [sys.executable, "-m", "zero_array", "check", "--backend", spec, "--dtype", dtype]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        verdict = "" if done.returncode == 0 else "FAILED: "
        yield f"{verdict}{dtype}: {(done.stdout or done.stderr).strip().splitlines()[-1]}  "


def constructors(record: Backend, place: str) -> Iterator[str]:
    """Each case on each device: the bytes that NumPy makes, on the device asked for."""
    xp = record.namespace()
    for device in devices(record, place):
        wrong = []
        for name, shape, options in CASES:
            make = getattr(zero_array, name)
            array = make(shape, xp=xp, dtype="float32", device=device, **options)
            same = _host.to_bytes(array) == _host.to_bytes(make(shape, dtype="float32", **options))
            if not same or not is_there(array, device):
                wrong.append(f"{name}({shape}, {options})")
        x = np.random.default_rng(0).standard_normal((64, 768), dtype=np.float32)
        given = _namespace.namespace(xp).asarray(x, **_namespace.placement(device))
        found = zero_array.hadamard_transform(given, scale="orthonormal")
        off = np.abs(np.frombuffer(_host.to_bytes(found), np.float32).reshape(x.shape) - expected(x)).max()
        if off > 1e-4 or not is_there(found, device):
            wrong.append(f"hadamard_transform, off by {off:.2g}")
        verdict = f"FAILED: {'; '.join(wrong)}" if wrong else f"{len(CASES) + 1} cases equal"
        yield f"{device or 'default device'}: {verdict}  "


def expected(x: Any) -> Any:
    """The transform in double precision, by a product."""
    return x @ zero_array.hadamard(x.shape[-1], dtype="float64") / x.shape[-1] ** 0.5


def is_there(array: Any, device: Any) -> bool:
    """Whether an array is on the device asked for."""
    return device is None or str(device) == str(array.device)


def streams(record: Backend, place: str) -> Iterator[str]:
    """Work stays on the current stream; how often torch waits for it is counted."""
    if place == "cpu" or record.name == "jax":
        yield "none here"
        return
    xp, shape = record.namespace(), (4096, 1024)
    wanted = _host.to_bytes(zero_array.zero_init(shape, dtype="float32"))
    if record.name == "cupy":
        stream = xp.cuda.Stream(non_blocking=True)
        with stream:
            array = zero_array.zero_init(shape, xp=xp, dtype="float32")
        stream.synchronize()
    else:
        stream = xp.cuda.Stream()
        with xp.cuda.stream(stream):
            array = zero_array.zero_init(shape, xp=xp, device="cuda")
        stream.synchronize()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            xp.cuda.set_sync_debug_mode("warn")
            zero_array.zero_init(shape, xp=xp, device="cuda")
            xp.cuda.set_sync_debug_mode("default")
        waits = sum("synchroniz" in str(item.message) for item in caught)
        yield f"{'FAILED: ' if waits else ''}torch waited {waits} times in zero_init({shape})  "
    yield ("equal" if _host.to_bytes(array) == wanted else "FAILED: differs") + " on a stream of its own"


def memory(record: Backend, place: str, size: int) -> Iterator[str]:
    """What torch's allocator held beside the result."""
    if place == "cpu" or record.name != "torch":
        yield "not counted here"
        return
    torch = record.namespace()
    for dtype in ("float32", "bfloat16"):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        array = zero_array.hadamard_init((size, size), xp=torch, dtype=dtype, device="cuda")
        beside = torch.cuda.max_memory_allocated() - before - array.nbytes
        yield f"hadamard_init(({size}, {size})) {dtype}: {beside / array.nbytes:.1%} beside the result  "


def speed(record: Backend, place: str, size: int) -> Iterator[str]:
    """Medians of turns, against writing ones."""
    xp, device = record.namespace(), next(devices(record, place))
    wrapped, keywords = _namespace.namespace(xp), _namespace.placement(device)

    def seconds(make: Callable[[], Any]) -> float:
        start = perf_counter()
        _host.finished(make())
        return perf_counter() - start

    for name, shape in (
        ("hadamard_init", (size, size)),
        ("identity_init", (size, size)),
        ("hadamard_init", (size // 8, size // 8)),
        ("zero_init", (512, 256, 3, 3)),
    ):
        for dtype in (dtype for dtype in ("float32", "bfloat16") if dtype in usable(record)):
            first: Any = getattr(zero_array, name)
            one = first((1, 1), xp=xp, dtype=dtype, device=device).dtype
            ours = lambda: first(shape, xp=xp, dtype=dtype, device=device)  # noqa: B023, E731  # called in this turn
            ones = lambda: wrapped.ones(shape, dtype=one, **keywords)  # noqa: B023, E731  # as above
            start = seconds(ours)
            turns = [(seconds(ours), seconds(ones)) for _ in range(11)]
            mine, peers = (median(column) for column in zip(*turns, strict=True))
            figures = f"{mine * 1e3:.3g} ms, {mine / peers:.2f} of ones; first call {start * 1e3:.3g} ms"
            yield f"{name}({shape}) {dtype}: {figures}  "


def report(name: str, place: str, *, quick: bool) -> bool:
    """Print what is found of one library; True where something failed."""
    record = backend(name)
    size = 1024 if quick else 8192
    print(f"\n## {name} {record.version()}")
    found = Report()
    found.part("Devices", lambda: (str(device or "CPU") for device in devices(record, place)))
    found.part("Bits", lambda: bits(record, place, ["float32"] if quick else usable(record)))
    found.part("Constructors, on every device", lambda: constructors(record, place))
    found.part("Streams", lambda: streams(record, place))
    found.part("Memory", lambda: memory(record, place, size))
    found.part("Speed", lambda: speed(record, place, size))
    return found.failed


def machine() -> Iterator[str]:
    """What this is."""
    yield f"# zero_array on {platform.platform()}"
    yield f"\nPython {platform.python_version()}, NumPy {np.__version__}, definition {zero_array.DEFINITION}\n"
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        yield subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        yield "no nvidia-smi"


def main() -> None:
    """Print and write the report; each library works in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--cpu", action="store_true", help="on the CPU, to see what it does")
    parser.add_argument("--quick", action="store_true", help="small arrays, and bits in float32 only")
    parser.add_argument("--out", default="gpu_report.md", help="default: gpu_report.md")
    parser.add_argument("--library", choices=("numpy", *LIBRARIES), help="this one alone, and write no file")
    options = parser.parse_args()
    place = "cpu" if options.cpu else "gpu"
    if options.library:
        sys.exit(report(options.library, place, quick=options.quick))
    there = [name for name in ("numpy", *LIBRARIES)[not options.cpu :] if backend(name).version()]
    if not there:
        sys.exit(f"one of {', '.join(LIBRARIES)} must be installed")
    text = [*machine()]
    print(*text, sep="\n", flush=True)
    failed = []
    for name in there:
        command = [
            sys.executable,
            sys.argv[0],
            "--library",
            name,
            *("--cpu",) * options.cpu,
            *("--quick",) * options.quick,
        ]
        environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_ENABLE_X64": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        text.append(done.stdout if done.returncode in (0, 1) and done.stdout else f"FAILED: {done.stderr}")
        print(text[-1], flush=True)
        failed += [name] * bool(done.returncode)
    text.append(f"\n**{'Failed: ' + ', '.join(failed) if failed else 'Nothing failed.'}**")
    print(text[-1])
    Path(options.out).write_text("\n".join(text) + "\n", encoding="utf-8")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

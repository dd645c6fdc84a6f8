"""Checkpoints on disk: what is read, and that a broken or hostile file is one clear error."""

import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import ml_dtypes
import numpy
import pytest
import safetensors.numpy

from zero_array import audit
from zero_array.__main__ import main
from zero_array._auditing import _checkpoint, _safetensors

ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
LARGE = 2**40
Read = Callable[[Path], dict[str, Any]]


def written(path: Path, header: Any, data: bytes = bytes(24), length: int | None = None) -> Path:
    """A file of safetensors as it should be, but for what the caller changes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def weights() -> dict[str, Any]:
    """Arrays of all kinds."""
    values = numpy.random.default_rng(0).standard_normal((6, 4, 2))
    return {
        "single": values.astype("float32"),
        "double": values,
        "half": values.astype("float16"),
        "brain": values.astype(ml_dtypes.bfloat16),
        "count": numpy.asarray(3),
        "bias": numpy.zeros(5, "float32"),
        "empty": numpy.zeros((0, 3), "float32"),
    }


@pytest.fixture
def read() -> Iterator[Read]:
    """What opens a file; all are closed after the test."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(_checkpoint.opened(str(path)))


@pytest.mark.parametrize("budget", [2**22, 3])
def test_safetensors_are_read(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: int) -> None:
    """What the library safetensors wrote is audited like the arrays themselves, in windows of any size."""
    monkeypatch.setattr("zero_array._auditing._windows.Matrix.pieces.__defaults__", (budget,))
    safetensors.numpy.save_file(weights(), tmp_path / "w.safetensors", metadata={"format": "np"})
    stored = read(tmp_path / "w.safetensors")
    report = audit({name: stored[name] for name in weights()})
    assert report == audit(weights())


@pytest.mark.parametrize("save", [numpy.savez, numpy.savez_compressed])
def test_npz_is_read(read: Read, tmp_path: Path, save: Any) -> None:
    """So is what NumPy wrote, compressed or not, in either order of the axes, bfloat16 too."""
    given = weights() | {"turned": numpy.asfortranarray(weights()["double"]) + 1}
    save(tmp_path / "w.npz", **given)
    assert audit(read(tmp_path / "w.npz")) == audit(given)


def test_many_members(read: Read, tmp_path: Path) -> None:
    """An archive of more arrays than a process may have files is read, and closed."""
    resource = pytest.importorskip("resource")
    given = {f"w{number}": weights()["double"] + number for number in range(40)}
    numpy.savez(tmp_path / "w.npz", **given)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / "w.npz").open() as file:
        next_one = file.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one + 20, hard))
    try:
        report = audit(read(tmp_path / "w.npz"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert report == audit(given)


def test_shards_are_read(read: Read, tmp_path: Path) -> None:
    """The arrays of shards are found by the index beside them."""
    for shard in ("a", "b"):
        written(tmp_path / f"{shard}.safetensors", {f"{shard}.w": ENTRY, "__metadata__": {}})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a.w": "a.safetensors", "b.w": "b.safetensors"}}), encoding="utf-8")
    assert [facts.parameter for facts in audit(read(index)).weights] == ["a.w", "b.w"]


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors", "w.safetensors.index.json"])
def test_the_path_of_a_file(tmp_path: Path, name: str) -> None:
    """The function takes the path of each kind of file, as text or not, with all options, and closes the file."""
    numpy.savez(tmp_path / "w.npz", **weights())
    safetensors.numpy.save_file(weights(), tmp_path / "w.safetensors")
    places = {"weight_map": dict.fromkeys(weights(), "w.safetensors")}
    (tmp_path / "w.safetensors.index.json").write_text(json.dumps(places), encoding="utf-8")
    options: dict[str, Any] = {"layout": {"single": (-2, -1)}, "tolerance": 0.5, "dtype": None}
    wanted = audit(weights(), **options)
    for path in (tmp_path / name, str(tmp_path / name)):
        found = audit(path, **options)
        assert sorted(found.weights, key=str) == sorted(wanted.weights, key=str)
        assert sorted(found.findings, key=str) == sorted(wanted.findings, key=str)


@pytest.mark.parametrize("name", ["model.pt", "missing.npz"])
def test_the_path_of_no_file(name: str) -> None:
    """It refuses what the command refuses, in the same words."""
    with pytest.raises(ValueError, match=rf"^`file` must be .*; got '{name}', which is "):
        audit(name)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no bytes": ({"header": b"", "data": b"", "length": 7}, "its header should be 7 bytes long, and 0 are there"),
    "length that lies": ({"header": {}, "length": LARGE}, f"its header should be {LARGE} bytes long, and 26 are there"),
    "no JSON": ({"header": b"{" * 30}, "its header is no JSON, or has a name twice"),
    "deep JSON": ({"header": b"[" * 100_000}, "its header is no JSON, or has a name twice"),
    "long number": ({"header": b"1" * 10_000}, "its header is no JSON, or has a name twice"),
    "no UTF-8": ({"header": b"\xff\xfe"}, "its header is no JSON, or has a name twice"),
    "NaN": ({"header": b'{"w": NaN}'}, "its header is no JSON, or has a name twice"),
    "a name twice": ({"header": b'{"w": 1, "w": 2}'}, "its header is no JSON, or has a name twice"),
    "a list": ({"header": []}, "its header is no JSON object"),
    "no entry": ({"header": {"NaN": 3}}, "its array 'NaN' has no shape, dtype or place"),
    "no offsets": ({"header": {"w": {"dtype": "F32", "shape": [2, 3]}}}, "its array 'w' has no shape, dtype or place"),
    "three offsets": ({"header": {"w": ENTRY | {"data_offsets": [0, 1, 2]}}}, "its array 'w' has no shape, dtype"),
    "shape of floats": ({"header": {"w": ENTRY | {"shape": [2.0, 3]}}}, "its array 'w' has no shape, dtype or place"),
    "negative shape": ({"header": {"w": ENTRY | {"shape": [-2, -3]}}}, "its array 'w' has no shape, dtype or place"),
    "dtype": ({"header": {"w": ENTRY | {"dtype": "F33"}}}, "its array 'w' has the unknown dtype 'F33'"),
    "huge shape": ({"header": {"w": ENTRY | {"shape": [LARGE, LARGE]}}}, "does not take the bytes that its shape"),
    "huge place": ({"header": {"w": ENTRY | {"data_offsets": [LARGE, LARGE + 24]}}}, "overlap, or leave holes"),
    "overlap": ({"header": {"v": ENTRY, "w": ENTRY}}, "its arrays overlap, or leave holes between them"),
    "truncated": ({"header": {"w": ENTRY}, "data": bytes(23)}, "its arrays take 24 bytes, and 23 are there"),
    "more": ({"header": {"w": ENTRY}, "data": bytes(25)}, "its arrays take 24 bytes, and 25 are there"),
    "odd name": ({"header": {"\x1b[2J" + 99 * "x": 3}}, r"its array '\x1b[2Jxxxx"),
}


@pytest.mark.parametrize(("parts", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_safetensors(read: Read, tmp_path: Path, parts: dict[str, Any], message: str) -> None:
    """Each kind of damage is one sentence, and nothing is taken for an array."""
    path = written(tmp_path / "w.safetensors", **parts)
    with pytest.raises(ValueError, match=r"^`file` must be whole and well formed; got 'w.safetensors': ") as refusal:
        read(path)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_long_headers_are_refused(read: Read, tmp_path: Path) -> None:
    """A header of more than 16 MiB is not read."""
    path = written(tmp_path / "w.safetensors", b" " * (2**24 + 1))
    with pytest.raises(ValueError, match="is longer than the 16777216 that are read"):
        read(path)


def test_a_file_that_shrinks(read: Read, tmp_path: Path) -> None:
    """A file that becomes shorter after its header was read is one sentence too."""
    path = written(tmp_path / "w.safetensors", {"w": ENTRY})
    stored = read(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="it ends before its values do"):
        audit(stored)


def damaged(original: bytes, random: Random) -> bytes:
    """A file with up to three wrong bytes in its length and header, sometimes cut off."""
    found = bytearray(original)
    for _ in range(random.randint(1, 3)):
        place = random.randrange(8 if random.random() < 0.2 else len(original) - 48)
        found[place] = random.choice(b'0123456789[]{},:"-eE.\\ \x00\xff' + bytes([random.randrange(256)]))
    return bytes(found[: random.randrange(len(found)) if random.random() < 0.1 else None])


def test_fuzzed_headers(tmp_path: Path) -> None:
    """Of 10,000 damaged files each is read or refused in one sentence, and what is read fits the file.

    The library safetensors reads the same arrays from each, or refuses it; what it reads is read here.
    """
    random, path = Random(0), tmp_path / "w.safetensors"
    original = written(path, {"a": ENTRY, "b": ENTRY | {"data_offsets": [24, 48]}}, bytes(48)).read_bytes()
    outcomes = [0, 0, 0]
    for _ in range(10_000):
        content = damaged(original, random)
        theirs, ours = _theirs(content), _ours(path, content)
        assert theirs is None or theirs == ours
        outcomes[(ours is not None) + (theirs is not None)] += 1
    assert min(outcomes[0], outcomes[2]) > 100


def test_a_hostile_header_takes_little_memory(read: Read, tmp_path: Path) -> None:
    """A header full of lists, or of shapes and places that are huge, takes no more than a few times its size."""
    for header in (b"[" + b"[]," * 10**5 + b"[]]", json.dumps({"w": ENTRY | {"shape": [LARGE] * 10**4}}).encode()):
        path = written(tmp_path / "w.safetensors", header)
        tracemalloc.start()
        with pytest.raises(ValueError, match="must be whole and well formed"):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40 * len(header) + 2**16


def _ours(path: Path, content: bytes) -> dict[str, tuple[int, ...]] | None:
    """The shapes that are found here; None where the file is refused, by the one kind of error that is meant."""
    try:
        arrays = _safetensors.arrays(path, BytesIO(content))
    except ValueError as error:
        refused = str(error)
    else:
        assert sum(numpy.prod(array.shape) * numpy.dtype(array.stored).itemsize for array in arrays.values()) <= 48
        return {name: array.shape for name, array in arrays.items()}
    assert refused.startswith("`file` must be whole and well formed; got 'w.safetensors': ")
    assert "\n" not in refused
    return None


def _theirs(data: bytes) -> dict[str, tuple[int, ...]] | None:
    """The shapes that the library safetensors finds; None where it refuses."""
    try:
        return {name: tuple(item["shape"]) for name, item in safetensors.deserialize(data)}  # type: ignore[no-untyped-call,unused-ignore]  # untyped
    except safetensors.SafetensorError:
        return None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "its header is no JSON object"),
        (b"{}", "it has no `weight_map` of names to files"),
        (b'{"weight_map": {"w": 3}}', "it has no `weight_map` of names to files"),
        (b'{"weight_map": {"w": "../w.safetensors"}}', "it names '../w.safetensors', no .safetensors file beside it"),
        (b'{"weight_map": {"w": "w.bin"}}', "it names 'w.bin', no .safetensors file beside it"),
        (b'{"weight_map": {"w": "v.safetensors"}}', "its shard 'v.safetensors' is missing"),
        (b'{"weight_map": {"v": "w.safetensors"}}', "'v' is not in 'w.safetensors'"),
        (b" " * (2**24 + 1), "it is longer than the 16777216 bytes that are read"),
    ],
    ids=range(8),
)
def test_broken_index(read: Read, tmp_path: Path, content: bytes, message: str) -> None:
    """An index that is none, or that points elsewhere, is one sentence."""
    written(tmp_path / "w.safetensors", {"w": ENTRY})
    index = tmp_path / "model.safetensors.index.json"
    index.write_bytes(content)
    with pytest.raises(ValueError, match=r"^`file` must be whole and well formed; ") as refusal:
        read(index)
    assert message in str(refusal.value)


def npy(descr: str = "<f4", shape: str = "(2, 3)", order: str = "False", version: bytes = b"\1\0") -> bytes:
    """The header of an array as NumPy writes it."""
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text


ARCHIVES: dict[str, tuple[dict[str, bytes], str]] = {
    "objects": (
        {"w.npy": npy("|O") + bytes(48)},
        "holds object, no numbers; objects are never loaded",
    ),
    "text": ({"w.npy": npy("<U2") + bytes(48)}, "no numbers"),
    "version": ({"w.npy": npy(version=b"\3\0") + bytes(24)}, "is of another version of the format"),
    "truncated": ({"w.npy": npy() + bytes(23)}, "does not take the bytes"),
    "huge": ({"w.npy": npy(shape=f"({LARGE}, {LARGE})") + bytes(24)}, "does not take the bytes"),
    "negative": ({"w.npy": npy(shape="(-2, -3)") + bytes(24)}, "no numbers"),
    "no array": ({"w.npy": b"text"}, "no archive of arrays that NumPy wrote (ValueError)"),
    "no tuple": ({"w.npy": npy(shape="__import__('os')") + bytes(24)}, "no archive of arrays that NumPy wrote"),
    "a name twice": ({"w.npy": npy() + bytes(24), "w": npy() + bytes(24)}, "it has a name twice"),
}


@pytest.mark.parametrize(("members", "message"), ARCHIVES.values(), ids=ARCHIVES)
def test_broken_npz(read: Read, tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    """A broken or hostile archive is one sentence; pickles in it are not loaded."""
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"^`file` must be whole and well formed; got 'w.npz': ") as refusal:
        read(tmp_path / "w.npz")
    assert message in str(refusal.value)


def test_a_damaged_archive(read: Read, tmp_path: Path) -> None:
    """Damage in the values shows while these are read, and no archive at all before."""
    path = tmp_path / "w.npz"
    numpy.savez_compressed(path, w=weights()["double"])
    content = bytearray(path.read_bytes())
    content[200:220] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no archive of arrays that NumPy wrote"):
        audit(read(path))
    numpy.savez_compressed(path, w=numpy.random.default_rng(0).normal(size=(100, 100)))
    content = bytearray(path.read_bytes())
    content[50_000:50_020] = bytes(20)
    path.write_bytes(content)
    arrays = read(path)
    with pytest.raises(ValueError, match="no archive of arrays that NumPy wrote"):
        audit(arrays)
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"no archive of arrays that NumPy wrote \(BadZipFile\)"):
        read(path)


def test_large_arrays_in_fortran_order(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would have to be held whole, and are refused with what to do."""
    monkeypatch.setattr("zero_array._auditing._npz.BUDGET", 1)
    numpy.savez(tmp_path / "w.npz", w=numpy.zeros((9, 8)).T)
    with pytest.raises(ValueError, match=r"is in Fortran's order and large: save numpy\.ascontiguousarray of it"):
        read(tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("model.pt", "is a pickle, which can run any program when it is loaded"),
        ("pytorch_model.bin", "weights_only=True"),
        ("model.h5", "layout=(-1, -2)"),
        ("model.keras", "needs Keras to be read"),
        ("model.gguf", "quantized"),
        ("model.onnx", "is a graph"),
        ("flax_model.msgpack", "needs Flax"),
        ("w.npy", "numpy.savez"),
        ("w.txt", "is none of these; save it as safetensors"),
    ],
)
def test_other_formats(name: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Other formats are refused without being opened, with the reason and what to do; status 2."""
    with pytest.raises(SystemExit) as stop:
        main(["audit", name])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert f"`file` must be .safetensors, .safetensors.index.json or .npz; got {name!r}, which " in error
    assert reason in error


def test_memory_is_bounded(read: Read, tmp_path: Path) -> None:
    """A file of 64 MiB is audited in less than 160 MiB, whatever its size: the windows, and the lines of the sample."""
    shape = (4096, 4096)
    path = written(tmp_path / "w.safetensors", {"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 2**26]}}, b"")
    with path.open("ab") as file:
        for seed in range(16):
            file.write(numpy.random.default_rng(seed).standard_normal(2**20, "float32").tobytes())
    tracemalloc.start()
    audit(read(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160 * 2**20

"""Images to learn from: digits that come with scikit-learn, MNIST and CIFAR-10 from their standard files.

The archive of CIFAR-10 holds pickles. They are read by an unpickler that knows the few names which arrays of bytes
need, so that a file cannot run anything.
"""

import gzip
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CIFAR = "cifar-10-python.tar.gz"


class Images(NamedTuple):
    """Pixels from 0 to 1 in rows, and labels: to learn from, to choose rates by, and to report."""

    train: tuple[Tensor, Tensor]
    choose: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    @property
    def pixels(self) -> int:
        """How many pixels an image has."""
        return int(self.train[0].shape[1])


def load(name: str, folder: str | None = None) -> Images:
    """The images of one name: "digits", "digits48" (without the columns at the edge), or "mnist"."""
    if name == "mnist":
        x, y, test_x, test_y = (torch.from_numpy(array) for array in mnist(_folder(folder)))
        pixels, test_pixels = x.flatten(1).float() / 255, test_x.flatten(1).float() / 255
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
        train, choose = order[5000:], order[:5000]
        return Images((pixels[train], y[train]), (pixels[choose], y[choose]), (test_pixels, test_y))
    from sklearn.datasets import load_digits

    found = load_digits()
    x, y = torch.tensor(found.images / 16, dtype=torch.float32), torch.tensor(found.target)
    x = (x[:, :, 1:-1] if name == "digits48" else x).flatten(1)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, choose, test = order[:1088], order[1088:1344], order[1344:]
    return Images((x[train], y[train]), (x[choose], y[choose]), (x[test], y[test]))


def mnist(folder: Path) -> list[np.ndarray[Any, Any]]:
    """The images and labels of MNIST, to learn and to test: four IDX files, gzipped or not."""
    missing = [name for name in MNIST if not any((folder / f"{name}{end}").exists() for end in ("", ".gz"))]
    if missing:
        download("MNIST", folder)
    arrays = []
    for name in MNIST:
        plain = folder / name
        arrays.append(
            idx(plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes()))
        )
    return [array.astype(np.int64) if array.ndim == 1 else array for array in arrays]


def idx(content: bytes) -> np.ndarray[Any, Any]:
    """The array of bytes in an IDX file."""
    if content[:3] != b"\0\0\x08" or len(content) < 4:
        raise ValueError(f"an IDX file of bytes must begin with 00 00 08; got {content[:4].hex(' ')}")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4)
    if len(content) != 4 + 4 * axes + int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"an IDX file of shape {tuple(map(int, shape))} must have as many bytes; got {len(content)}")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(tuple(map(int, shape))).copy()


def cifar10(folder: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The images (bytes, 3 x 32 x 32) and labels of CIFAR-10, to learn and to test, from its archive."""
    archive = folder / CIFAR
    if not archive.exists():
        download("CIFAR10", folder)
    batches = dict(_batches(archive))
    train = [batches[f"data_batch_{number}"] for number in range(1, 6)]
    images = [torch.from_numpy(np.concatenate(part)) for part in zip(*train, strict=True)]
    test_images, test_labels = map(torch.from_numpy, batches["test_batch"])
    return images[0], images[1], test_images, test_labels


def _batches(archive: Path) -> Iterator[tuple[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]]:
    with tarfile.open(archive) as files:
        for member in files:
            name = Path(member.name).name
            content = files.extractfile(member) if "batch" in name and not name.endswith(".meta") else None
            if content is not None:
                batch = Harmless(content, encoding="bytes").load()
                yield name, (batch[b"data"].reshape(-1, 3, 32, 32), np.asarray(batch[b"labels"], dtype=np.int64))


class Harmless(pickle.Unpickler):
    """An unpickler of dicts, lists, strings, numbers and NumPy arrays, and of nothing else."""

    def __init__(self, file: IO[bytes], **options: Any) -> None:
        super().__init__(file, **options)

    def find_class(self, module: str, name: str) -> Any:
        """What an array is rebuilt by; every other name is refused."""
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return _numbers
        if module in {"numpy.core.multiarray", "numpy._core.multiarray"} and name == "_reconstruct":
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]  # not in NumPy's stubs
        if (module, name) == ("_codecs", "encode"):  # bytes, as Python 3 writes them in an old protocol
            return _encode
        raise pickle.UnpicklingError(f"the archive must hold arrays alone; got {module}.{name}")


def _numbers(code: Any, *flags: Any) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(code, *flags)
    if found.hasobject:
        raise pickle.UnpicklingError(f"the archive must hold numbers; got an array of {found}")
    return found


def _encode(text: str, encoding: str) -> bytes:
    return text.encode({b"latin1": "latin1", "latin1": "latin1"}[encoding])


def download(name: str, folder: Path) -> None:
    """Fetch the files of torchvision's data set of one name, or end with a sentence."""
    try:
        fetched = _fetch(name, folder)
    except ImportError:
        raise SystemExit(
            f"{name} is not in {folder}: put its standard files there, or install torchvision to fetch them"
        ) from None
    if not fetched:
        raise SystemExit(f"{name} is not in {folder}, and could not be fetched: put its standard files there")


def _fetch(name: str, folder: Path) -> bool:
    """Whether all files came, by torchvision's own addresses and checksums."""
    from torchvision import datasets
    from torchvision.datasets.utils import download_url

    kind = getattr(datasets, name)
    wanted = {kind.url: kind.tgz_md5} if name == "CIFAR10" else dict(kind.resources)
    for file, checksum in wanted.items():
        for mirror in [""] if name == "CIFAR10" else kind.mirrors:
            try:
                download_url(mirror + file, str(folder), md5=checksum)
                break
            except (OSError, RuntimeError):
                continue
        else:
            return False
    return True


def _folder(folder: str | None) -> Path:
    if folder is None:
        raise SystemExit("pass --data DIR: the folder of the standard files, or where they are to be fetched to")
    return Path(folder)

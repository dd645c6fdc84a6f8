"""The table of backends, and the way home from their arrays, by stand-ins for the libraries that are not here."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import array_api_compat as compat
import numpy
import pytest

from zero_array._host import finished, to_bytes
from zero_array.backends import BACKENDS, backend


@pytest.mark.parametrize("method", ["unwrap_numpy", "asnumpy", "get", "cpu", "compute"])
def test_to_bytes_brings_arrays_home(method: str) -> None:
    """Whatever a library calls its way to host memory, it is taken."""
    host = numpy.array([[1.0, -0.5]], dtype=">f4")
    array = type("Array", (), {method: lambda _: host, "dtype": "float32"})()
    assert to_bytes(array) == b"\x00\x00\x80\x3f\x00\x00\x00\xbf"


def test_to_bytes_moves_strict_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """array-api-strict hands over what is on its CPU device, and moves the rest there first."""

    class Array:
        __module__ = "array_api_strict._array_object"
        dtype = "float64"

        def to_device(self, device: str) -> Any:
            return {"the CPU_DEVICE": numpy.array([1.0])}[device]

    monkeypatch.setattr(compat, "array_namespace", lambda _: SimpleNamespace(Device="the {}".format))
    assert to_bytes(Array()) == numpy.array([1.0]).tobytes()


def test_to_bytes_is_in_c_order() -> None:
    """A transposed view is read in its own order, not in memory's."""
    assert to_bytes(numpy.array([[1, 2], [3, 4]], dtype="<f2").T) == numpy.array([1, 3, 2, 4], dtype="<f2").tobytes()


@pytest.mark.parametrize("method", ["compute", "block_until_ready"])
def test_finished_computes(method: str) -> None:
    """A lazy or asynchronous array is replaced by the finished one."""
    array = type("Array", (), {method: lambda _: "the finished array"})()
    assert finished(array) == "the finished array"


class Waited:
    """Counts how often it was waited for."""

    def __init__(self) -> None:
        self.times = 0

    def wait(self, *_: Any) -> None:
        """Wait."""
        self.times += 1

    synchronize = eval = wait


def test_finished_waits_for_a_queue() -> None:
    """dpnp's queue is waited for."""
    queue = Waited()
    array = SimpleNamespace(sycl_queue=queue)
    assert finished(array) is array
    assert queue.times == 1


def test_finished_waits_for_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy's device is waited for."""
    device = Waited()
    array = SimpleNamespace(device=device)
    monkeypatch.setattr(compat, "is_cupy_array", lambda given: given is array)
    assert finished(array) is array
    assert device.times == 1


@pytest.mark.parametrize("is_cuda", [True, False])
def test_finished_waits_for_cuda(is_cuda: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's device is waited for where it is one that runs on its own."""
    cuda = Waited()
    array = SimpleNamespace(is_cuda=is_cuda, device="cuda:1")
    monkeypatch.setattr(compat, "is_torch_array", lambda given: given is array)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert finished(array) is array
    assert cuda.times == is_cuda


def test_finished_evaluates_mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    """An array of mlx is evaluated."""
    space = Waited()
    array = type("array", (), {"__module__": "mlx.core"})()
    monkeypatch.setattr(compat, "array_namespace", lambda _: space)
    assert finished(array) is array
    assert space.times == 1


def test_finished_leaves_the_rest() -> None:
    """An array of NumPy is there already."""
    array = numpy.zeros(3)
    assert finished(array) is array


def test_backend_by_name() -> None:
    """Every record is found by its own name, and names are unique."""
    assert [backend(record.name) for record in BACKENDS] == list(BACKENDS)


def test_unknown_backend() -> None:
    """An unknown backend is refused with the names of all that are known."""
    with pytest.raises(
        ValueError,
        match=r"^`backend` must be one of numpy, strict, torch, jax, .*, cupy, dpnp; got 'keras'$",
    ):
        backend("keras")


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the libraries whose devices are objects: each tells what it was asked for."""
    asked = {
        "cupy": SimpleNamespace(cuda=SimpleNamespace(Device="Device({})".format)),
        "jax": SimpleNamespace(devices=lambda kind: [f"{kind} {number}" for number in range(3)]),
        "jax.numpy": ModuleType("jax.numpy"),
        "mlx": ModuleType("mlx"),
        "mlx.core": SimpleNamespace(cpu="mlx's cpu"),
        "array_api_strict": SimpleNamespace(Device="Device({})".format),
        "torch": ModuleType("torch"),
        "dpnp": ModuleType("dpnp"),
    }
    for name, stand_in in asked.items():
        monkeypatch.setitem(sys.modules, name, stand_in)


@pytest.mark.parametrize(
    ("name", "text", "device"),
    [
        ("numpy", "", None),
        ("numpy", "cpu", "cpu"),
        ("torch", "gpu", "cuda"),
        ("torch", "cuda:1", "cuda:1"),
        ("cupy", "gpu", "Device(0)"),
        ("cupy", "2", "Device(2)"),
        ("jax", "gpu", "gpu 0"),
        ("jax", "cpu:2", "cpu 2"),
        ("mlx", "cpu", "mlx's cpu"),
        ("strict", "cpu", "Device(CPU_DEVICE)"),
        ("strict", "device1", "Device(device1)"),
        ("dpnp", "gpu", "gpu"),
    ],
)
@pytest.mark.usefixtures("libraries")
def test_device(name: str, text: str, device: Any) -> None:
    """The text after the colon becomes what the library takes as ``device=``; ``gpu`` means the same for all."""
    assert backend(name).device(text) == device


@pytest.mark.parametrize(
    "record", [record for record in BACKENDS if record.gpu is None], ids=lambda record: record.name
)
def test_no_gpu(record: Any) -> None:
    """A library without a GPU says so."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole sentence is compared
        record.device("gpu")
    assert str(caught.value) == f"`device` must be one that {record.name} has; got 'gpu', and it runs on the CPU alone"


def test_version_of_what_is_not_installed() -> None:
    """A library that is not installed has no version, and asking does not fail."""
    assert backend("numpy").version() == numpy.__version__
    assert backend("cupy").version() is None

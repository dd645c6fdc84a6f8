"""One backend per session: ``pytest --backend NAME[:DEVICE]``, NumPy where it is left out.

A backend that is asked for and absent is an error, never a skip. Tests that belong to one library are collected for
that library alone; all files that :data:`SHARED` does not name, and no backend either, belong to NumPy's session.

``pytest --host NAME`` instead: the files of one framework in tests/embed, on the library that it stands on.
"""

import os
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

import zero_array
from zero_array._typing import Device, Namespace
from zero_array.backends import BACKENDS, DTYPES, Backend
from zero_array.backends import backend as find_backend

SHARED = (
    "test_all_threads",
    "test_audit_backends",
    "test_compare",
    "test_flat_memory",
    "test_golden",
    "test_threads",
    "test_transform",
    "test_windows",
)
HOSTS = {
    "jax": "jax",
    "flax": "jax",
    "equinox": "jax",
    "haiku": "jax",
    "keras-jax": "jax",
    "keras-torch": "torch",
    "keras-tensorflow": "numpy",
    "keras-numpy": "numpy",
    "mlx": "mlx",
}
"""The frameworks of tests/embed, and which backend each session sets up first."""
BACKEND = pytest.StashKey[Backend]()
DEVICES = pytest.StashKey[list[Device | None]]()

settings.register_profile("default", derandomize=True, max_examples=100, deadline=None)
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
settings.register_profile("nightly", max_examples=50_000, deadline=None, print_blob=True)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--backend`` and ``--host``."""
    parser.addoption("--backend", default="numpy", metavar="NAME[:DEVICE]", help="the array library under test")
    parser.addoption("--host", choices=HOSTS, help="the framework under test, by the files in tests/embed alone")


def pytest_configure(config: pytest.Config) -> None:
    """Import the backend asked for, set it up, and find its device: whatever is missing ends the session."""
    host = config.getoption("host")
    asked = HOSTS[host] if host else config.getoption("backend")
    name, _, device = asked.partition(":")
    try:
        record = find_backend(name)
        config.stash[BACKEND] = record
        config.stash[DEVICES] = _set_up(record, device)
        if host:
            module, _, os.environ["KERAS_BACKEND"] = host.partition("-")
            import_module(module)
    except Exception as error:
        raise pytest.UsageError(
            f"--{f'host {host}' if host else f'backend {asked}'}: {type(error).__name__}: {error}"
        ) from error


def _set_up(record: Backend, device: str) -> list[Device | None]:
    """Make every dtype of the backend expressible; the devices to pass in turn, None for the default one."""
    if record.name == "jax":
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
        import jax

        jax.config.update("jax_enable_x64", True)
    xp = record.namespace()
    if record.name == "mlx":  # float64 exists on the CPU alone, and no function takes a device
        xp.set_default_device(record.device(device or "cpu"))
        return [None]
    if record.name == "dpnp" and not device:  # and two parts of it, each with a queue of its own
        import dpctl

        return [None, *map(dpctl.SyclQueue, dpctl.SyclDevice().create_sub_devices(partition=[1, 1]))]
    if record.name == "strict" and not device:  # and two that are not its default; the second's floats are shorter
        return [None, *map(record.device, ("device1", "device2"))]
    found = record.device(device)
    if found is not None:
        zero_array.zero_init((1, 1), xp=xp, device=found)
    return [found]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect what the backend or the host of this session has to pass, and nothing else."""
    name, host = collection_path.stem, config.getoption("host")
    if name.endswith("_test"):  # in tests/embed: keras_test is for each of Keras's backends, keras_jax_test for one
        owned = name.removesuffix("_test").removesuffix("_models").removesuffix("_audit").replace("_", "-")
        is_audit = host == "keras-numpy" and name.endswith("_audit_test")  # which needs gradients
        return True if not host or not host.startswith(owned) or is_audit else None
    if collection_path.suffix != ".py" or not name.startswith("test_"):
        return None
    if host:
        return True
    named = name.split("_")[1]
    owner = named if named in {record.name for record in BACKENDS} else "numpy"
    return True if name not in SHARED and owner != config.stash[BACKEND].name else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``dtype`` with every dtype that the backend has; ``any_dtype``: with all of them.

    One that asks for ``device`` runs on each where there are several.
    """
    if "dtype" in metafunc.fixturenames:
        metafunc.parametrize("dtype", metafunc.config.stash[BACKEND].dtypes)
    if "any_dtype" in metafunc.fixturenames:
        metafunc.parametrize("any_dtype", DTYPES)
    devices = metafunc.config.stash[DEVICES]
    if "device" in metafunc.fixturenames and len(devices) > 1:
        metafunc.parametrize("device", devices, ids=[f"device{number}" for number in range(len(devices))])


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """The record of the backend under test."""
    return request.config.stash[BACKEND]


@pytest.fixture(scope="session")
def xp(backend: Backend) -> Namespace:
    """Its namespace, raw."""
    return backend.namespace()


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> Device | None:
    """The device asked for, None where none was."""
    return request.config.stash[DEVICES][0]

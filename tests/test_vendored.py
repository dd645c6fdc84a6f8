"""A copy of the package under another name, as `docs/embedding.md` has it, where the package itself cannot be had."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zero_array

PACKAGE = Path(zero_array.__file__).parent
TESTS = Path(__file__).parent
NAME = "acme._vendor.weights"
"""What the copy is called."""
HOSTS = ("dask.py", "equinox.py", "flax.py", "haiku.py", "jax", "keras", "mlx", "torch")
"""What it may leave out."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the copy, less its hosts, and the tests with that name in place of ours."""
    root = tmp_path_factory.mktemp("vendored")
    target = root.joinpath(*NAME.split("."))
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", *HOSTS))
    for file in (*TESTS.glob("*.py"), TESTS / "golden.json"):
        text = file.read_text(encoding="utf-8")
        (root / file.name).write_text(text.replace("zero_array", NAME), encoding="utf-8")
    (root / "sitecustomize.py").write_text("import sys\nsys.modules['zero_array'] = None\n", encoding="utf-8")
    return root


def run(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Python with the copy on its path, and without the package."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_the_package_cannot_be_had(copy: Path) -> None:
    """Where the copy is tested, its original cannot be imported."""
    assert "ModuleNotFoundError" in run(copy, "-c", "import zero_array").stderr


def test_a_copy_passes_the_tests(copy: Path) -> None:
    """The copy makes the recorded bytes, and refuses what the package refuses."""
    files = ["test_golden.py", "test_errors.py", "test_layout.py", "test_weight.py"]
    done = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--backend", "numpy", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_a_copy_has_its_command(copy: Path) -> None:
    """The copy's command runs the copy, in its children too, and calls itself no version of ours."""
    done = run(copy, "-m", NAME, "check", "--backend", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("zero_array (a copy), definition 1")
    assert done.stdout.rstrip().endswith("equal")

"""The checks of the project, each a session that makes its own environment. ``nox -l`` lists them."""

import json
import shutil
import zipapp
from pathlib import Path
from zipfile import ZipFile

import nox

nox.needs_version = ">=2026.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
BACKENDS = ("numpy", "strict", "torch", "jax", "dask", "mlx", "cubed", "ndonnx")
HOSTS = ("jax", "flax", "equinox", "haiku", "keras-jax", "keras-torch", "keras-tensorflow", "keras-numpy", "mlx")
GPU_BACKENDS = ("cupy", "torch", "jax")
PYTHONS = ("3.11", "3.12", "3.13")
RACES = ("-p", "conftest", "-p", "racing", "-o", "python_files=bench_*.py", "-o", "python_functions=bench_*")


def group(name: str) -> tuple[str, ...]:
    """The requirements of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format, the habits of Scientific Python, and that the workflows are safe."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("repo-review", ".")
    session.run("zizmor", "--offline", "--persona=pedantic", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: mypy all code, pyright too what users write."""
    session.install("-e.", *group("types"))
    session.run("mypy")
    session.run("pyright")
    for program in sorted(ROOT.glob("examples/typed/*.py")):
        session.run("python", str(program))


@nox.session
@nox.parametrize("backend", [nox.param(name, id=name) for name in BACKENDS])
def tests(session: nox.Session, backend: str) -> None:
    """Test one backend on the CPU; NumPy with branch coverage."""
    session.install("-e.", *group(backend))
    coverage = ["--cov=zero_array"] if backend == "numpy" else []
    session.run("pytest", "--backend", backend, *coverage, *session.posargs, "tests")


@nox.session
@nox.parametrize("host", [nox.param(name, id=name) for name in HOSTS])
def embed(session: nox.Session, host: str) -> None:
    """Test the initialisers in one framework."""
    session.install("-e.", *group(host))
    session.run("pytest", "--host", host, *session.posargs, "tests")


@nox.session
def doctests(session: nox.Session) -> None:
    """Run the examples: of the docstrings, of the documentation, of the README line by line, and examples/digits.py."""
    pages = map(str, sorted((*ROOT.glob("docs/*.md"), *ROOT.glob("docs/frameworks/*.md"))))
    session.install("-e.", *group("doctests"))
    session.env["KERAS_BACKEND"] = "jax"
    session.run("pytest", "--doctest-modules", "--doctest-glob=*.md", "src", "README.md", *pages, *session.posargs)
    session.run("python", "docs/lines.py")
    session.run("python", "examples/digits.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, offline, into docs/generated/site: no warning, no dead link, every public name described."""
    session.install("-e.", *group("docs"))
    site = "docs/generated/site"
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-E", "-q", "docs", site)
    session.run("python", "docs/check.py", site)


@nox.session
def build(session: nox.Session) -> None:
    """Build the source distribution and, from it, the wheel, into dist/; then both from the former, byte for byte."""
    session.install(*group("build"))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build")
    (wheel,) = ROOT.glob("dist/*.whl")
    files = ZipFile(wheel).namelist()
    strangers = [name for name in files if not name.startswith(("zero_array/", f"{wheel.name.split('-py3')[0]}.dist"))]
    if strangers or "zero_array/py.typed" not in files:
        session.error(f"the wheel must hold the package with its py.typed, and nothing else; got {files}")
    (source,) = ROOT.glob("dist/*.tar.gz")
    elsewhere = Path(session.create_tmp())
    shutil.rmtree(elsewhere)
    shutil.unpack_archive(source, elsewhere, filter="data")
    session.run(
        "python", "-m", "build", "--outdir", str(elsewhere), str(elsewhere / source.name.removesuffix(".tar.gz"))
    )
    for file in (source, wheel):
        if file.read_bytes() != (elsewhere / file.name).read_bytes():
            session.error(f"{file.name} must come out the same wherever it is built; the second build differs")


@nox.session(requires=["build"])
def package(session: nox.Session) -> None:
    """Install the wheel alone and use it, then test it with NumPy."""
    _test_wheel(session)


@nox.session(requires=["build"], default=False)
@nox.parametrize("python", [nox.param(version, id=version) for version in PYTHONS])
def packages(session: nox.Session) -> None:
    """The same on one version of Python."""
    _test_wheel(session)


def _test_wheel(session: nox.Session) -> None:
    (wheel,) = ROOT.glob("dist/*.whl")
    session.install(str(wheel))
    session.run("zero-array", "check")
    session.run("python", "-m", "zero_array", "show", "6x3")
    session.run("python", "-c", "import sys, zero_array; assert zero_array.__file__.startswith(sys.prefix)")
    session.install(*group("numpy"))
    session.run("pytest", "--backend", "numpy", *session.posargs, "tests")


@nox.session(python=PYTHONS[0], default=False)
def minimums(session: nox.Session) -> None:
    """Test with the lowest versions that the package declares."""
    floors = [requirement.replace(">=", "==") for requirement in PYPROJECT["project"]["dependencies"]]
    session.install("-e.", *floors, *group("numpy"))
    session.run("pytest", "--backend", "numpy", *session.posargs, "tests")


@nox.session(default=False)
@nox.parametrize("python", [nox.param(version, id=version) for version in PYTHONS])
def python(session: nox.Session) -> None:
    """Test one version of Python with NumPy."""
    session.install("-e.", *group("numpy"))
    session.run("pytest", "--backend", "numpy", *session.posargs, "tests")


@nox.session(default=False)
def optimized(session: nox.Session) -> None:
    """Test NumPy under ``python -OO``: nothing may need an ``assert`` or a docstring (pytest keeps the tests' own)."""
    session.install("-e.", *group("numpy"))
    session.env["PYTHONOPTIMIZE"] = "2"
    quiet = "ignore:assertions not in test modules:pytest.PytestConfigWarning"
    session.run("pytest", "--backend", "numpy", "-W", quiet, *session.posargs, "tests")


@nox.session(name="free-threaded", python="3.13t", default=False)
def free_threaded(session: nox.Session) -> None:
    """Test NumPy on a Python without its lock, where threads really run at once; all but files of safetensors."""
    session.install("--prefer-binary", "-e.", *group("free-threaded"))  # the newest may have no wheel for it yet
    session.env["PYTHON_GIL"] = "0"  # whatever an extension asks for
    without = "--ignore=tests/test_audit_files.py"  # safetensors has no wheel for it
    session.run("pytest", "--backend", "numpy", without, *session.posargs, "tests")
    session.run("pytest", "--backend", "numpy", "tests/robust/test_all_threads.py")


@nox.session(default=False)
def dpnp(session: nox.Session) -> None:
    """Test dpnp on Intel's OpenCL run-time for CPUs: its default queue, and those of two parts of it (3 GB)."""
    session.install("-e.", *group("dpnp"))
    session.env["OCL_ICD_FILENAMES"] = str(Path(session.virtualenv.location, "lib", "libintelocl.so"))
    session.run("pytest", "--backend", "dpnp", *session.posargs, "tests")


@nox.session(default=False)
@nox.parametrize("backend", [nox.param(name, id=name) for name in GPU_BACKENDS])
def gpu(session: nox.Session, backend: str) -> None:
    """Test one backend on a GPU, and race it; fails where there is none."""
    session.install("-e.", *group(f"gpu-{backend}"))
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        session.run("python", "-m", "zero_array", "check", "--backend", f"{backend}:gpu", "--dtype", dtype)
    session.run("pytest", "--backend", f"{backend}:gpu", *session.posargs, "tests")
    session.run("python", "examples/gpu_report.py", "--library", backend, env={"JAX_ENABLE_X64": "1"})
    session.env["PYTHONPATH"] = "tests:benchmarks"
    file = str(Path(session.create_tmp()).resolve() / f"{backend}-1.json")
    session.run(
        "pytest", "-q", *RACES, "--backend", f"{backend}:gpu", "--benchmark-json", file, "benchmarks/bench_write.py"
    )
    session.run("python", "benchmarks/render.py", "--print", file)


@nox.session(default=False, requires=["build"])
def report(session: nox.Session) -> None:
    """Make dist/gpu_report.pyz, examples/gpu_report.py with all that it needs but NumPy, and run it on the CPU."""
    (wheel,) = ROOT.glob("dist/*.whl")
    folder = Path(session.create_tmp()).resolve() / "app"
    shutil.rmtree(folder, ignore_errors=True)
    session.run(
        "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder),
        str(wheel),
        "array-api-compat",
    )
    shutil.copy(ROOT / "examples" / "gpu_report.py", folder)
    file = ROOT / "dist" / "gpu_report.pyz"
    zipapp.create_archive(folder, file, main="gpu_report:main")
    session.install("numpy")
    session.run("python", str(file), "--cpu", "--quick", "--out", str(folder.parent / "report.md"))


@nox.session(default=False)
def distributed(session: nox.Session) -> None:
    """Test shards in several processes on loopback: Dask's cluster, cubed, JAX, torch's DTensor and FSDP (Linux)."""
    session.install("-e.", *group("distributed"))
    session.run("pytest", *session.posargs, "tests/distributed")


@nox.session(default=False)
def models(session: nox.Session) -> None:
    """Start real models of torchvision, timm and transformers; compare with PyPI's zero-init (Linux on x86_64)."""
    session.install("-e.", *group("models"))
    session.run("pytest", "--backend", "torch", *session.posargs, "tests/models")


@nox.session(default=False)
@nox.parametrize("backend", [nox.param(name, id=name) for name in ("numpy", "torch", "jax")])
def robustness(session: nox.Session, backend: str) -> None:
    """See that memory stays flat; NumPy: a million calls with anything; torch: an interrupt at every line."""
    session.install("-e.", *group(backend))
    random = ["--hypothesis-profile", "nightly", "tests/test_properties.py::test_main_property"]
    session.run(
        "pytest", "-s", "--backend", backend, *session.posargs, *(random if backend == "numpy" else []), "tests/robust"
    )


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Race NumPy, torch and JAX against what a user would pick instead, on one core and two; write docs/benchmarks.md.

    With ``-- --quick``, see whether the races are in order, and write nothing.
    """
    session.install("-e.", *group("bench"))
    session.env["PYTHONPATH"] = "tests:benchmarks"  # the fixtures of the tests, and the race
    results = Path(session.create_tmp()).resolve()
    files = []
    for backend in ("numpy", "torch", "jax"):
        for cores in ("1",) if "--quick" in session.posargs else ("1", "2"):
            files.append(str(results / f"{backend}-{cores}.json"))
            options = ["--backend", backend, "--cores", cores, "--benchmark-json", files[-1]]
            session.run("pytest", "-q", *RACES, *options, *session.posargs, "benchmarks")
    if "--quick" not in session.posargs:
        session.run("python", "benchmarks/render.py", *files)


@nox.session(default=False)
def experiments(session: nox.Session) -> None:
    """Measure the paper's claims, or those named after ``--``; write docs/reproduction.md.

    With ``-- --quick``, test that all experiments are in order, in tiny sizes, and write nothing.
    """
    session.install("-e.", *group("experiments"))
    session.env["PYTHONPATH"] = "."
    if "--quick" in session.posargs:
        session.run("pytest", "--backend", "torch", "tests/experiments")
    else:
        session.run("python", "-m", "experiments", *session.posargs)


@nox.session(default=False)
def long(session: nox.Session) -> None:
    """Test NumPy with very many random examples."""
    session.install("-e.", *group("numpy"))
    session.run("pytest", "--backend", "numpy", "--hypothesis-profile", "long", *session.posargs, "tests")


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Put small errors into a copy of the core: NumPy's tests must find 95 % of them."""
    session.install(*PYPROJECT["project"]["dependencies"], *group("mutation"))
    copy = Path(session.create_tmp(), "copy")
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "pyproject.toml", copy)
    session.chdir(copy)
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")
    session.run("mutmut", "export-cicd-stats")
    counts = json.loads(Path("mutants", "mutmut-cicd-stats.json").read_text(encoding="utf-8"))
    found, total = counts["killed"] + counts["timeout"], counts["total"]
    session.log(f"{found} of {total} errors found: {counts}")
    if found < 0.95 * total:
        session.error("fewer than 95 % of the errors were found; `mutmut show NAME` in the copy shows one that was not")

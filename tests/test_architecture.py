"""How the package is built: imports go one way, frameworks stay at their doors, docstrings are complete."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import zero_array

PACKAGE = Path(zero_array.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The name of a module inside the package, such as ``torch._model``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def host(path: Path) -> str:
    """The file or folder that a module is, or is in: a framework belongs into the one that bears its name."""
    return name_of(path).partition(".")[0]


NAMES = [name_of(path) for path in MODULES]
FOLDERS = {name.partition(".")[0] for name in NAMES if name.startswith("_") and "." in name}
"""Those without public names: what is imported from them is a module."""

DESIGN = Path(__file__).parent.parent / "docs" / "design.md"


def listed() -> Iterator[str]:
    """The modules in the order of the list in docs/design.md; a folder's ``__init__`` comes after all that it holds."""
    folder = ""
    for line in DESIGN.read_text(encoding="utf-8").splitlines():
        branch, _, rest = line.partition("── ")
        if not branch or branch[-1] not in "├└":
            continue
        if folder and len(branch) == 1:
            yield f"{folder}.__init__"
            folder = ""
        if match := re.match(r"(\w+)/", rest):
            folder = match[1]
        yield from (f"{folder}.{name}".lstrip(".") for name in re.findall(r"(\w+)\.py", rest.partition("  ")[0]))


RANK = {name: rank for rank, name in enumerate(listed())}

LIBRARIES = {
    "array_api_compat",
    "array_api_strict",
    "cubed",
    "cupy",
    "dask",
    "dpnp",
    "equinox",
    "flax",
    "haiku",
    "jax",
    "jaxlib",
    "keras",
    "matplotlib",
    "ml_dtypes",
    "mlx",
    "ndonnx",
    "numpy",
    "scipy",
    "tensorflow",
    "torch",
}
"""What counts as an array library or a framework."""

DOORS = {
    "_namespace": {"array_api_compat", "cubed", "jax", "ml_dtypes", "numpy", "torch"},
    "_host": {"array_api_compat", "numpy", "torch"},
    "_stream": {"numpy"},
    "_planning": {"numpy"},
    "_auditing": {"numpy"},
    "_learning": {"numpy"},
    "_commands": {"numpy"},
    "backends": {"jax"},
    "jax": {"numpy"},
    "keras": {"jax", "numpy", "tensorflow", "torch"},  # its backends, each where it is the one
    "mlx": {"numpy"},
    "plot": {"matplotlib"},
}
"""The modules that may import a library other than the one that they are named after: which, and (but for the first)
inside functions only."""

each_module = pytest.mark.parametrize("path", MODULES, ids=NAMES)


def test_doors_are_used() -> None:
    """Each place that may import a library does."""
    used: dict[str, set[str]] = {}
    for path in MODULES:
        names = {name.partition(".")[0] for _, name, level in imports(parse(path)) if not level}
        used.setdefault(host(path), set()).update(names & LIBRARIES - {host(path)})
    assert {name: libraries for name, libraries in used.items() if libraries} == DOORS


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int]]:
    """Every import below ``tree``, ``import_module("...")`` too: the node, the module's name, and its dots."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node, alias.name, 0) for alias in names)
            case ast.ImportFrom(module=None, names=names, level=level):
                yield from ((node, alias.name, level) for alias in names)
            case ast.ImportFrom(module=str(name), names=names, level=level) if (
                name.rpartition(".")[2] in FOLDERS and level
            ):
                yield from ((node, f"{name}.{alias.name}", level) for alias in names)
            case ast.ImportFrom(module=str(name), level=level):
                yield node, name, level
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))]):
                yield node, name, 0
            case _:
                pass


def parse(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def test_every_module_has_its_place() -> None:
    """The list in docs/design.md names every module of the package, each once, and no other."""
    assert sorted(NAMES) == sorted(listed())


@each_module
def test_imports_go_one_way(path: Path) -> None:
    """A module imports only modules before it in that list."""
    here = name_of(path).split(".")
    inner = {".".join([*here[: len(here) - level], name]) for _, name, level in imports(parse(path)) if level}
    assert {name for name in inner if RANK[name] >= RANK[name_of(path)]} == set()


@each_module
def test_imports_inside_are_relative(path: Path) -> None:
    """The package never names itself in an import, so that it can be vendored."""
    depth = len(path.relative_to(PACKAGE).parts)
    assert [name for _, name, level in imports(parse(path)) if name.startswith("zero_array") or level > depth] == []


@each_module
def test_libraries_stay_at_their_doors(path: Path) -> None:
    """A library is imported in the file that bears its name, and at the few doors listed."""
    used = {name.partition(".")[0] for _, name, level in imports(parse(path)) if not level} & LIBRARIES
    assert used - {host(path)} <= DOORS.get(host(path), set())


@each_module
def test_libraries_are_imported_when_needed(path: Path) -> None:
    """On import, a module loads no library but array-api-compat's door, and a host its own."""
    tree = parse(path)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {id(node) for function in functions for node, _, _ in imports(function)}
    at_once = {name for node, name, level in imports(tree) if not level and id(node) not in inside}
    assert {name for name in at_once if name.partition(".")[0] in LIBRARIES} <= {
        "array_api_compat",
        *({"dask": ["dask.array"]}.get(host(path)) or [name for name in at_once if name.split(".")[0] == host(path)]),
    }


WAITING = {"asnumpy", "block_until_ready", "compute", "cpu", "item", "numpy", "synchronize", "tolist", "wait"}
"""Methods that wait for a device, to read what it made or for its own sake."""

MAY_WAIT = {
    "_host": {"block_until_ready", "compute", "synchronize", "wait"},  # what is compared, and what a clock stops for
    "_commands._show": {"tolist"},  # NumPy's
    "_auditing._twins": {"tolist"},  # as above
    "_planning._views": {"tolist"},  # as above
    "mlx._trace": {"tolist"},  # of a random key
    "torch._record": {"tolist"},  # of a tensor that is made on the CPU
}


@each_module
def test_nothing_waits_for_a_device(path: Path) -> None:
    """No weight is read back while it is made, and no queue is waited for: work stays on the stream that is current."""
    called = {
        node.func.attr
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert called & WAITING == MAY_WAIT.get(name_of(path), set())


@pytest.mark.parametrize("code", ["import zero_array", "import zero_array.backends", "import zero_array._host"])
def test_import_loads_no_array_library(code: str) -> None:
    """Importing the package, or its table of backends, loads none of the libraries in it."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "zero_array" in done.stdout.split()
    assert set(done.stdout.split()) & LIBRARIES == {"array_api_compat"}


def test_all_is_true() -> None:
    """``__all__`` holds exactly the public names, in order."""
    found = [name for name, value in vars(zero_array).items() if name[0] != "_" and not isinstance(value, ModuleType)]
    assert zero_array.__all__ == sorted(zero_array.__all__)
    assert sorted(found) == zero_array.__all__


def public_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions that a module's ``__all__`` offers, where the module defines them."""
    for path in MODULES:
        offered = zero_array.__all__ if path.stem.startswith("_") else offers(path)
        if path.parent != PACKAGE:
            offered = offers(path.with_name("__init__.py"))
        for node in parse(path).body:
            if isinstance(node, ast.FunctionDef) and node.name in offered:
                yield f"{host(path)}.{node.name}", node


def offers(path: Path) -> list[str]:
    """The names in a module's ``__all__``."""
    for node in parse(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


PUBLIC = dict(public_functions())
each_public = pytest.mark.parametrize("function", PUBLIC.values(), ids=PUBLIC)


@pytest.mark.parametrize("module", ["_init", "dask", "haiku", "jax", "mlx", "torch"])
def test_public_functions_are_found(module: str) -> None:
    """The three constructors are there, on the top level and for each host."""
    names = {name.partition(".")[2].removesuffix("_") for name in PUBLIC if name.startswith(f"{module}.")}
    assert names >= {"identity_init", "hadamard_init", "zero_init"}


@each_public
def test_docstrings_are_complete(function: ast.FunctionDef) -> None:
    """A public function explains its parameters, its result, its errors, and shows an example, in numpydoc's order."""
    lines = inspect.cleandoc(ast.get_docstring(function) or "").splitlines()
    sections = [above for above, below in pairwise(lines) if below and set(below) == {"-"}]
    assert [name for name in sections if name not in ("Notes", "References")] == [
        "Parameters",
        "Returns",
        "Raises",
        "Examples",
    ]
    assert any(line.startswith(">>> ") for line in lines)


@each_public
def test_docstrings_name_every_parameter(function: ast.FunctionDef) -> None:
    """Every parameter has its entry, and no entry is without a parameter."""
    doc = inspect.cleandoc(ast.get_docstring(function) or "")
    body = doc.partition("Parameters\n----------\n")[2].partition("\n\nReturns\n")[0]
    heads = [line.partition(" : ")[0] for line in body.splitlines() if not line.startswith(" ")]
    named = sorted(name for head in heads for name in head.split(", "))
    arguments = function.args
    assert named == sorted(item.arg for item in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])


@pytest.mark.parametrize("name", ["identity_init", "hadamard_init", "zero_init"])
def test_signatures_are_alike(name: str) -> None:
    """Dask's constructors have the arguments of the top level's, with the same defaults, and one more."""
    common, mine = (
        {item.arg: ast.dump(value) for item, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value}
        for args in (PUBLIC[f"_init.{name}"].args, PUBLIC[f"dask.{name}"].args)
    )
    assert mine == {**common, "chunks": ast.dump(ast.Constant("auto"))}
    assert [item.arg for item in PUBLIC[f"dask.{name}"].args.posonlyargs] == ["shape"]


NO_MESSAGES = {
    "_auditing._safetensors": 1,  # what JSON's reader is stopped by
    "torch._symbolic": 1,  # what torch.fx is stopped by
}
"""Where so many errors of these kinds are made whose words no user sees."""


@each_module
def test_messages_are_at_home(path: Path) -> None:
    """Every TypeError and ValueError is made in a file of checks, where its words are tested."""
    made = [
        node
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("TypeError", "ValueError")
    ]
    if not path.stem.endswith("_checks"):
        assert len(made) == NO_MESSAGES.get(name_of(path), 0)


@each_module
def test_files_are_short(path: Path) -> None:
    """A file can be read in one sitting: 300 lines at most."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@each_module
def test_modules_say_what_they_are(path: Path) -> None:
    """Every module says in its first line what it is."""
    assert ast.get_docstring(parse(path))

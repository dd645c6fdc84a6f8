"""The command line: what it prints, and what it returns. NumPy alone is asked for, so that it runs everywhere."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from zero_array import backends
from zero_array.__main__ import main
from zero_array._commands import _check, _networks


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "zero_array", *arguments], capture_output=True, text=True, check=False)


def test_check_finds_numpy_equal(capsys: pytest.CaptureFixture[str]) -> None:
    """The check of NumPy builds all 128 weights, agrees with the record and returns 0."""
    assert main(["check", "--backend", "numpy"]) == 0
    heading, columns, row = capsys.readouterr().out.splitlines()
    assert heading.endswith("definition 1, float32: resnet50, transformer, layers")
    assert columns.split() == ["backend", "version", "device", "tensors", "MiB", "seconds", "/", "ones", "result"]
    assert row.split()[0] == "numpy"
    assert row.split()[3:5] == ["128", "722"]
    assert row.split()[-1] == "equal"


@pytest.mark.parametrize("kind", backends.DTYPES)
def test_json_holds_every_weight(kind: str) -> None:
    """The JSON report names each weight with its digest, in every dtype; no command means check."""
    done = run("--backend", "numpy", "--dtype", kind, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == report["status"] == 0
    (row,) = report["backends"]
    assert row["digests"] == _networks.RECORDED[kind]
    assert len(row["weights"]) == row["tensors"] == 128


def test_a_wrong_bit_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Digests that differ from the record are named, and the status is 1."""
    monkeypatch.setitem(_networks.RECORDED, "float32", dict.fromkeys(_networks.NETWORKS, "0" * 64))
    assert main(["check", "--backend", "numpy"]) == 1
    assert capsys.readouterr().out.rstrip().endswith("differs from the record")


def test_the_first_different_weight_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where two backends differ, the report names the weight; where they agree, the record is at odds with both."""
    answers = iter("aab")

    def child(spec: str, dtype: str) -> dict[str, object]:
        answer = next(answers)
        row = {"tensors": 1, "bytes": 1, "seconds": 1.0, "ratio": 1.0, "digests": {}, "weights": {"stem": answer}}
        return {"backend": spec, "device": "default", "version": dtype} | row

    monkeypatch.setattr(_check, "_in_child", child)
    assert main(["check", "--backend", "numpy", "--backend", "torch", "--backend", "jax"]) == 1
    first, second, third = capsys.readouterr().out.splitlines()[-3:]
    assert first.endswith("differs from the record")
    assert second.endswith("differs from the record")
    assert third.endswith("differs from numpy at stem")


def test_a_device_is_passed_on() -> None:
    """The device that is named is where the weights are built."""
    report = _check.build("numpy:cpu", "float16")
    assert report["digests"] == _networks.RECORDED["float16"]
    with pytest.raises(ValueError, match=r"[Dd]evice"):
        _check.build("numpy:elsewhere", "float16")


def test_a_backend_asked_for_must_be_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An absent backend is a failure, status 2."""
    monkeypatch.setattr(backends.Backend, "version", lambda self: None)
    assert main(["check", "--backend", "cupy"]) == 2
    assert capsys.readouterr().out.rstrip().endswith("not installed")


def test_a_backend_that_fails_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The backend's own error is shown on its row, status 2."""
    assert main(["check", "--backend", "numpy:nowhere"]) == 2
    assert "failed: ValueError: " in capsys.readouterr().out


def test_a_backend_without_the_dtype_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dtype that a backend lacks is a row of the report, and no failure."""
    monkeypatch.setattr(backends.Backend, "version", lambda self: "1")
    assert main(["check", "--backend", "strict", "--dtype", "bfloat16"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("has no bfloat16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "--backend", "tensorflow"], "`backend` must be one of numpy, strict, torch, jax, dask, mlx, cubed,"),
        (["check", "--dtype", "int8"], "invalid choice: 'int8'"),
        (["--backend", "nump"], "got 'nump'"),
        (["chek"], "invalid choice: 'chek'"),
        (["show", "6by3"], "`shape` must look like 6x3 or 64x3x7x7; got '6by3'"),
        (["show", "6"], "`shape` must be two or more ints >= 1; got (6,)"),
        (
            ["show", "6x4", "--groups", "4"],
            "`groups` must divide the length of the out axis; got 4 groups for 6 outputs",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is status 2 and one sentence."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert message in err
    assert not out


def test_show_hadamard(capsys: pytest.CaptureFixture[str]) -> None:
    """A widening weight is shown as signs, with its facts."""
    assert main(["show", "6x3"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "+++",
        "+-+",
        "++-",
        "+--",
        "+++",
        "+-+",
        "",
        "rule             hadamard, 6 outputs x 3 inputs",
        "order            8 = sylvester(8)",
        "scale            0.3535533905932738",
        "distinct rows    4 of 6",
        "singular values  0.7071 to 1",
    ]


def test_show_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    """A grouped kernel is shown at its centre tap."""
    assert main(["show", "4x2x3x2", "--groups", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1.",
        ".1",
        "1.",
        ".1",
        "",
        "rule             identity, 2 outputs x 2 inputs in each of 2 groups",
        "centre tap       1, 1; zeros elsewhere",
        "distinct rows    2 of 2",
        "singular values  1 to 1",
    ]


def test_show_large(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a large weight the first part is shown, and no singular value is computed."""
    assert main(["show", "4096x1024", "--scale", "paper"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines[0]) == 120
    assert lines[64] == "(the first 64 x 120 of 4096 x 1024)"
    assert "scale            0.02209708691207961" in lines
    assert "distinct rows    1024 of 4096" in lines
    assert lines[-1] == "singular values  not computed above 1024 x 1024"


def test_version_and_help() -> None:
    """The installed command knows its version, and its help names the exit statuses."""
    assert run("--version").stdout.startswith("zero-array ")
    assert "Exit status: 0 all equal, 1 some bits differ, 2" in " ".join(run("check", "--help").stdout.split())


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run from a folder that was never installed, or under another name, the command calls itself a copy."""
    assert _check.own_version() == version("zero-array")
    monkeypatch.setattr(_check, "version", lambda name: version(f"not-{name}"))
    assert _check.own_version() == "(a copy)"
    monkeypatch.undo()
    monkeypatch.setattr(_check, "__package__", "acme")
    assert _check.own_version() == "(a copy)"


def test_readme_shows_the_table_of_backends() -> None:
    """The support table of the README is the one that `backends.py` makes."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    start = "<!-- backends: generated by zero_array.backends.support_table() -->\n"
    assert readme.partition(start)[2].partition("<!-- end -->")[0] == backends.support_table()

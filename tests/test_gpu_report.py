"""The report for machines with a GPU, on the CPU."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "examples" / "gpu_report.py"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The script in a process of its own."""
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_report_of_numpy() -> None:
    """On the CPU every part of the report is there, the bits are equal, and nothing fails."""
    done = run("--cpu", "--quick", "--library", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    titles = [line for line in done.stdout.splitlines() if line.startswith("### ")]
    wanted = ["Devices", "Bits", "Constructors, on every device", "Streams", "Memory", "Speed"]
    assert titles == [f"### {title}" for title in wanted]
    assert "float32: numpy" in done.stdout
    assert "default device: 11 cases equal" in done.stdout
    assert done.stdout.count(" of ones; ") == 8


def test_without_ml_dtypes() -> None:
    """On a machine without ml_dtypes bfloat16 is left out, and nothing fails."""
    arguments = [str(SCRIPT), "--cpu", "--quick", "--library", "numpy"]
    hidden = f"import runpy, sys; sys.modules['ml_dtypes'], sys.argv = None, {arguments}"
    program = f"{hidden}; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout.count(" of ones; "), done.stdout.count("bfloat16")) == (4, 0)


def test_what_fails_is_said() -> None:
    """Where there is no GPU a part that needs one says so, the rest goes on, and the exit status is 1."""
    done = run("--quick", "--library", "numpy")
    assert done.returncode == 1
    assert "float32" in done.stdout
    assert done.stdout.count("FAILED: ") == 5
    assert "it runs on the CPU alone" in done.stdout

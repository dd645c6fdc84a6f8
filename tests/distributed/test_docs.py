"""The examples of docs/sharding.md and its pages: each is run as its first line says, and prints what is shown."""

import os
import re
import sys
from pathlib import Path

import pytest
from processes import free_port, together

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "".join(file.read_text(encoding="utf-8") for file in (DOCS / "sharding.md", *sorted(DOCS.glob("sharding/*.md"))))
SCRIPTS = re.findall(r"```python\n(# ([^\n]+)\n.+?)```\n\n```text\n(.+?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```console\n\$ (.+?)\n(.+?)```", PAGE, re.DOTALL)


def run(command: str, folder: Path) -> str:
    """What a line of a shell prints, the programs of this environment being found first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {"cwd": str(folder), "env": os.environ | {"PATH": path, "GLOO_SOCKET_IFNAME": "lo"}}
    (printed,) = together([("bash", "-c", command)], seconds=60, **settings)
    return printed


def test_all_examples_are_found() -> None:
    """No example of the pages but those for doctest is left out."""
    assert len(SCRIPTS) == PAGE.count("```python\n") == 7
    assert len(COMMANDS) == PAGE.count("```console\n") == 1


@pytest.mark.parametrize(("script", "command", "printed"), SCRIPTS, ids=[command for _, command, _ in SCRIPTS])
def test_scripts(script: str, command: str, printed: str, tmp_path: Path) -> None:
    """A script prints what is shown below it."""
    name = re.findall(r"\w+\.py", command)[0]
    Path(tmp_path, name).write_text(script.replace("12355", str(free_port())), encoding="utf-8")
    assert run(command, tmp_path) == printed


@pytest.mark.parametrize(("command", "printed"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_commands(command: str, printed: str, tmp_path: Path) -> None:
    """A command prints what is shown below it."""
    assert run(command, tmp_path) == printed

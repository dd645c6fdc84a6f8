"""Processes that work together on this machine, and have all ended when the call returns."""

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any


def together(commands: Sequence[Sequence[object]], *, seconds: float, **settings: Any) -> list[str]:
    """Run some commands at once; what each printed. One that fails or takes too long is an error."""
    end = monotonic() + seconds
    started = [
        subprocess.Popen(
            [*map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **settings,
        )
        for command in commands
    ]
    try:
        ended = [process.communicate(timeout=max(0.0, end - monotonic())) for process in started]
    finally:
        for process in started:
            with suppress(ProcessLookupError):  # all have ended
                os.killpg(process.pid, signal.SIGKILL)  # with those that it has started
            process.wait()
    for process, (_, errors) in zip(started, ended, strict=True):
        assert process.returncode == 0, errors
    return [printed for printed, _ in ended]


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

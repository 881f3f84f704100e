"""Ends the functions' processes when the cloud is gone, however it went.

A function that outlives its cloud keeps polling a port that the next cloud may use. The guard is a process that
leads a process group; every function joins the group. It reads a pipe whose other end only the cloud holds: the
pipe closes when the cloud stops, crashes or is killed, and the guard then kills its whole group, itself included.
(A parent-death signal would not do: it follows the thread that started the function, and those are short-lived.)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from types import SimpleNamespace


class Guard:
    """Starts the guard; `subprocess` is the standard module with a `Popen` whose children join the group."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0
        )
        joined = partial(subprocess.Popen, process_group=self._process.pid)
        self.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": joined})

    def release(self) -> None:
        """Ends the group, as the end of this process would."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()


def main() -> None:
    # The cloud decides when to stop; a signal to the group must not end the guard before it has done its work.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

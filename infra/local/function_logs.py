"""What the functions print, one bounded file for each function.

AWS sends a function's output to a log group; here it goes to `<directory>/<function>.log`, so that a terminal can
follow it. A file that passes its limit becomes `<function>.log.1`, replacing the former one: a function never
keeps more than twice the limit on the disk.
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any, BinaryIO, Callable

LIMIT_BYTES = 10 * 1024 * 1024
LINE_LIMIT_BYTES = 256 * 1024


class FunctionLogs:
    """Appends whole lines; several environments of one function share its file."""

    def __init__(self, directory: Path, name_of: Callable[[str], str], limit_bytes: int = LIMIT_BYTES) -> None:
        """`name_of` gives the file's name for a function's deployed name."""
        self._directory = directory
        self._name_of = name_of
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def follow(self, function: str, stream: BinaryIO) -> None:
        """Copies a function's output until it ends. Never blocks the function for longer than a write takes."""
        with stream:
            for line in iter(lambda: stream.readline(LINE_LIMIT_BYTES), b""):
                self._append(function, line if line.endswith(b"\n") else line + b"\n")

    def error(self, function: str, request_id: str, payload: Any) -> None:
        """Records an invocation that ended in an error, which its caller is not told about."""
        entry = {"level": "ERROR", "message": "invocation failed", "request_id": request_id, "error": payload}
        line = json.dumps(entry, default=str).encode()
        self._append(function, line[:LINE_LIMIT_BYTES] + b"\n")

    def _append(self, function: str, line: bytes) -> None:
        # A physical name never holds a separator, but a file name is made from it: keep it one component.
        path = self._directory / (re.sub(r"[^A-Za-z0-9_-]", "_", self._name_of(function)) + ".log")
        with self._lock, path.open("ab") as log:
            log.write(line)
            full = log.tell() >= self._limit_bytes
        if full:
            self._rotate(path)

    def _rotate(self, path: Path) -> None:
        with self._lock:
            if path.exists() and path.stat().st_size >= self._limit_bytes:
                path.replace(path.with_name(path.name + ".1"))

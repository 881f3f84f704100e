"""Saves the cloud's state soon after it changed, so that a crash costs seconds, not the day.

The emulator saves only when it stops in good order. `Snapshots` watches the requests, waits a moment for more of
them, forks and lets the child write: the fork is a consistent copy of the whole memory at one instant, and the
cloud goes on serving meanwhile. Files are replaced by renaming, so a reader finds the old one or the new one.

The cost is bounded: the pause before the next snapshot grows with what the last one took, so that saving never
uses more than a third of a core. A small state is saved a second after a change, one of forty thousand rows within
three.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from typing import Any, Awaitable, Callable, Mapping
from urllib.parse import parse_qs

logger = logging.getLogger("romashka.cloud")

State = Mapping[str, Callable[[], "Any | None"]]
"""For each file's name what gives its content; None as content leaves the file alone."""

Encode = Callable[[str, Any], str]

# Objects, rows and messages change one another (a notification, a stream), so they are saved together.
DATA = frozenset({"dynamodb", "s3", "sqs"})

_DELAY_SECONDS = 1.0
_CHILD_LIMIT_SECONDS = 60
_READS = re.compile(r"^(Get|BatchGet|TransactGet|Describe|List|Query|Scan|Receive)")
_SIGNER = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/,]+)/aws4_request")


def touched_services(scope: Mapping[str, Any]) -> frozenset[str] | None:
    """The services whose state a finished HTTP request may have changed: none, some, or all (None).

    Which service a request is for stands in its signature, in the header or in a presigned address.
    """
    headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    signed = _SIGNER.search(headers.get(b"authorization", ""))
    if signed:
        service = signed.group(1)
    else:
        credential = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("X-Amz-Credential", [""])[0]
        service = (credential.split("/") + [""] * 4)[3]
    if service in ("", "sts", "execute-api"):
        return frozenset()
    if service == "cloudformation":
        return None  # It changes every service, also after it has answered: asking about a stack counts too.
    operation = headers.get(b"x-amz-target", "").rpartition(".")[2]
    if _READS.match(operation) or (not operation and scope.get("method") in ("GET", "HEAD")):
        return frozenset()
    return DATA if service in DATA else None


class Snapshots:
    """Writes `<directory>/<name>.json` for the services that were touched."""

    def __init__(
        self, directory: str, state: Callable[[], State], encode: Encode, delay_seconds: float = _DELAY_SECONDS
    ) -> None:
        self._directory = directory
        self._state = state
        self._encode = encode
        self._delay_seconds = delay_seconds
        self._changed = threading.Condition()
        self._touched: frozenset[str] | None = frozenset()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="snapshots")

    def watch(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The ASGI application, with every finished request noted."""

        async def watched(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            finally:
                if scope["type"] == "http":
                    self.touch(touched_services(scope))

        return watched

    def touch(self, services: frozenset[str] | None) -> None:
        """Asks for a snapshot of these services, or of all of them (None)."""
        if services is not None and not services:
            return
        with self._changed:
            if services is None or self._touched is None:
                self._touched = None
            else:
                self._touched |= services
            self._changed.notify()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for a snapshot under way and begins no other: the orderly stop saves everything itself."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        took_seconds = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._touched != frozenset())
                # More changes gather while it waits.
                self._changed.wait_for(lambda: self._stopped, max(self._delay_seconds, 2 * took_seconds))
                if self._stopped:
                    return
                services, self._touched = self._touched, frozenset()
            began = time.monotonic()
            if not self._save(services):
                logger.error("snapshot failed; trying again")
                self.touch(services)
            took_seconds = time.monotonic() - began

    def _save(self, services: frozenset[str] | None) -> bool:
        child = os.fork()
        if child == 0:
            self._save_and_exit(services)
        _, status = os.waitpid(child, 0)
        return status == 0

    def _save_and_exit(self, services: frozenset[str] | None) -> None:
        """The child's life. It must not return into a copy of the server."""
        code = 1
        try:
            # Another thread may have held a lock at the fork; nobody in the child will ever release it.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_CHILD_LIMIT_SECONDS)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            # A connection that the server closes must not stay open here.
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            logging.disable()
            # This memory is a copy already.
            copy.deepcopy = lambda value, memo=None: value
            write_state(self._directory, self._state(), self._encode, services)
            code = 0
        except BaseException as error:  # noqa: BLE001 - there is nobody to raise it to
            os.write(sys.__stderr__.fileno(), f"snapshot: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)


def write_state(directory: str, state: State, encode: Encode, services: frozenset[str] | None) -> None:
    """Writes the state of the named services, or of all of them (None), each file at once or not at all."""
    os.makedirs(directory, exist_ok=True)
    for name in sorted(state):
        if services is not None and name not in services:
            continue
        content = state[name]()
        if content is None:
            continue
        path = os.path.join(directory, f"{name}.json")
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            file.write(encode(name, content))
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{path}.tmp", path)


def encode_json(content: Any, default: Callable[[Any], Any]) -> str:
    """One call, so that the encoder written in C is used: it is ten times as fast as `json.dump`."""
    return json.dumps(content, default=default, separators=(",", ":"))

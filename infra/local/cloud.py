"""The whole cloud on one machine: the emulator, mended (patches.py), and a token issuer (issuer.py).

    python cloud.py --state DIR [--port 4566] [--issuer-port 4567] [--ephemeral] [--enforce-iam]

It listens on 127.0.0.1 only and is ready when `GET /_ministack/health` answers. It keeps its state under DIR, saved
within seconds of a change, and writes what each function prints to `DIR/logs/<function>.log`; its own log goes to
standard error. SIGTERM and SIGINT stop it in good order; however it ends, its functions end with it.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HOST = "127.0.0.1"
REGION = "us-east-1"

# What a function may see of the developer's environment: on AWS it has nothing of it, so a variable that is
# missing from the template must be missing here.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")

logger = logging.getLogger("romashka.cloud")


@dataclass(frozen=True)
class Settings:
    """How this cloud runs. Each comes from an argument or, in its absence, from `ROMASHKA_CLOUD_<NAME>`."""

    port: int
    issuer_port: int
    state: Path
    ephemeral: bool
    enforce_iam: bool
    object_delay_ms: int
    log_level: str

    @property
    def environment(self) -> dict[str, str]:
        """The emulator reads its settings from the environment, most of them while it is imported."""
        endpoint = f"http://{HOST}:{self.port}"
        kept = "0" if self.ephemeral else "1"
        return {
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": endpoint,
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AUTH": "true" if self.enforce_iam else "false",
            "PERSIST_STATE": kept,
            "STATE_DIR": str(self.state / "services"),
            "S3_PERSIST": kept,
            "S3_DATA_DIR": str(self.state / "objects"),
            "LAMBDA_EXECUTOR": "local",
            # One environment of each function stays warm; what a burst added goes after two minutes.
            "LAMBDA_WARM_TTL_SECONDS": "120",
            # Far above what two cores can do, far below what fills the memory.
            "LAMBDA_ACCOUNT_CONCURRENCY": "64",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": self.log_level,
        }


def parse(arguments: list[str] | None = None) -> Settings:
    def default(name: str, otherwise: str | None = None) -> str | None:
        return os.environ.get(f"ROMASHKA_CLOUD_{name}", otherwise)

    parser = argparse.ArgumentParser(description="The whole cloud on one machine, for development.")
    parser.add_argument("--port", type=int, default=default("PORT", "4566"))
    parser.add_argument("--issuer-port", type=int, default=default("ISSUER_PORT", "4567"))
    parser.add_argument("--state", type=Path, default=default("STATE"), help="folder for state and logs")
    parser.add_argument("--ephemeral", action="store_true", default=default("EPHEMERAL") == "1", help="keep no state")
    parser.add_argument(
        "--enforce-iam",
        action="store_true",
        default=default("ENFORCE_IAM") == "1",
        help="check signatures and policies",
    )
    parser.add_argument(
        "--object-delay-ms",
        type=int,
        default=default("OBJECT_DELAY_MS", "0"),
        help="let each object of S3 wait so long",
    )
    parser.add_argument("--log-level", default=default("LOG_LEVEL", "INFO"))
    parsed = parser.parse_args(arguments)
    if parsed.state is None:
        parser.error("say where to keep state and logs: --state DIR")
    return Settings(**{**vars(parsed), "state": parsed.state.resolve()})


def main() -> int:
    settings = parse()
    settings.state.mkdir(parents=True, exist_ok=True)
    lock = (settings.state / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another cloud runs on {settings.state}; stop it or choose another --state", file=sys.stderr)
        return 1
    for port in (settings.port, settings.issuer_port):
        if _is_taken(port):
            print(f"port {port} of {HOST} is taken; choose another one", file=sys.stderr)
            return 1

    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    os.environ.clear()
    os.environ.update({**inherited, **settings.environment})
    # Unpacked functions are laid under the state, afresh at every start.
    temporary = settings.state / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    if settings.ephemeral:
        for kept in ("services", "objects"):
            shutil.rmtree(settings.state / kept, ignore_errors=True)
    return _run(settings)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _run(settings: Settings) -> int:
    # The emulator reads the environment while it is imported: not before now.
    from guard import Guard

    guard = Guard()
    try:
        from ministack import app
        from ministack.core import lambda_runtime, persistence

        import issuer
        import patches
        from function_logs import FunctionLogs
        from snapshots import Snapshots, encode_json

        if version("ministack") != patches.EMULATOR_VERSION:
            print(
                f"ministack is {version('ministack')}, the patches are for {patches.EMULATOR_VERSION}; "
                "run pip install --require-hashes -r requirements.txt",
                file=sys.stderr,
            )
            return 1
        patches.expand_http_api_bodies(setattr)
        patches.answer_runtime_api_at_once(setattr)
        patches.write_function_logs(setattr, FunctionLogs(settings.state / "logs", patches.logical_name))
        patches.hide_function_errors(setattr)
        patches.end_functions_with_the_cloud(setattr, guard)
        patches.keep_change_streams(setattr)
        patches.know_leading_keys(setattr)
        patches.substitute_policy_variables(setattr)
        patches.read_numbers_of_parameters(setattr)
        patches.permit_queue_batches(setattr)
        patches.read_ranges_of_versions(setattr)
        if settings.object_delay_ms:
            patches.delay_objects(setattr, settings.object_delay_ms / 1000)

        def encode(service: str, content: object) -> str:
            wrapped = {"__ministack_format__": persistence._state_format_version(service), "payload": content}
            return encode_json(wrapped, persistence._json_default)

        snapshots = Snapshots(os.environ["STATE_DIR"], app._build_persistence_save_dict, encode)
        keys = issuer.Keys(settings.state / "issuer-keys.json")
        token_server = issuer.serve(
            issuer.Issuer(keys, f"http://{HOST}:{settings.issuer_port}"), HOST, settings.issuer_port
        )
        try:
            served = app.app if settings.ephemeral else snapshots.watch(app.app)
            asyncio.run(_serve(served, settings, None if settings.ephemeral else snapshots))
        finally:
            token_server.shutdown()
            token_server.server_close()
            lambda_runtime.reset()
    finally:
        guard.release()
    return 0


async def _serve(app: object, settings: Settings, snapshots: object | None) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{HOST}:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = settings.log_level
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def stopped() -> None:
        await stop.wait()
        if snapshots is not None:
            await asyncio.to_thread(snapshots.stop)

    if snapshots is not None:
        snapshots.start()
    logger.info("development cloud on http://%s:%s, issuer on port %s", HOST, settings.port, settings.issuer_port)
    await serve(app, config, shutdown_trigger=stopped)


if __name__ == "__main__":
    sys.exit(main())

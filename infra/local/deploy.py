"""Puts a template and its functions into the local cloud, or does nothing when nothing changed.

    python deploy.py --template template.yaml --binaries target/release --stack romashka \\
        --parameter Stage=local --outputs .local/outputs.json [--endpoint http://127.0.0.1:4566]

A function's binary is named by the last folder of its `CodeUri`: `CodeUri: target/lambda/uploads-create/` is
`<binaries>/uploads-create`, packed as `bootstrap`. The same binary gives the same package, byte for byte, so only
what changed is packed, uploaded and restarted. A nested stack whose `TemplateURL` is a path is deployed with its
parent. On failure the resources that failed are named, with the reason, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import yaml

REGION = "us-east-1"
# The emulator's root key: the person at the keyboard is the administrator of the account.
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
TIMEOUT_SECONDS = 600
MAX_NESTING = 8

# Part of every package's name: raise it when the packing itself changes.
_PACKING = "1"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class DeployError(Exception):
    """The deployment cannot go on; the message says what to mend."""


# --- Reading the template ---------------------------------------------------------------------------------------


class TemplateLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML with CloudFormation's short forms: `!Ref X` is `{"Ref": "X"}`, `!Sub s` is `{"Fn::Sub": s}`."""


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", _short_form)
# A version such as 2010-09-09 is a text, not a date.
TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in TemplateLoader.yaml_implicit_resolvers.items()
}


def read_template(path: Path) -> dict[str, Any]:
    try:
        template = yaml.load(path.read_text(encoding="utf-8"), TemplateLoader)
    except OSError as error:
        raise DeployError(f"cannot read the template {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise DeployError(f"{path} is not YAML: {error}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise DeployError(f"{path} has no Resources")
    return template


def binary_name(code_uri: str) -> str:
    """`uploads-create` for `target/lambda/uploads-create/`."""
    return Path(code_uri).name


def _functions(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of each function that is packed from a local folder."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource.get("Type") == "AWS::Serverless::Function" and isinstance(properties.get("CodeUri"), str):
            yield properties


def _nested(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of each nested stack whose template is a local file."""
    for resource in template["Resources"].values():
        url = resource.get("Properties", {}).get("TemplateURL")
        if resource.get("Type") == "AWS::CloudFormation::Stack" and isinstance(url, str) and "://" not in url:
            yield resource["Properties"]


# --- Packing ----------------------------------------------------------------------------------------------------


def package(binary: bytes) -> bytes:
    """A zip that holds the binary as an executable `bootstrap`, the same bytes for the same binary."""
    entry = zipfile.ZipInfo("bootstrap", _EPOCH)
    entry.create_system = 3  # Unix, wherever it is packed, so that the mode below is read as one.
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, binary, compresslevel=1)
    return packed.getvalue()


@dataclass
class Memory:
    """What the last deployment knew: hashes of files that have not been touched since, and what it deployed."""

    path: Path
    hashes: dict[str, list[Any]] = field(default_factory=dict)
    stack_id: str = ""
    fingerprint: str = ""

    @classmethod
    def load(cls, path: Path) -> Memory:
        try:
            content = json.loads(path.read_text())
            return cls(path, dict(content["hashes"]), str(content["stack_id"]), str(content["fingerprint"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path)  # It only saves time; without it everything is read anew.

    def save(self) -> None:
        _write(self.path, {"hashes": self.hashes, "stack_id": self.stack_id, "fingerprint": self.fingerprint})

    def sha256(self, file: Path) -> str:
        """The file's hash, read again only when its size or its time of change is another one."""
        try:
            stat = file.stat()
        except OSError as error:
            raise DeployError(f"cannot read {file}: {error.strerror}; build the functions first") from error
        known = self.hashes.get(str(file))
        if known and known[:2] == [stat.st_size, stat.st_mtime_ns]:
            return known[2]
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        self.hashes[str(file)] = [stat.st_size, stat.st_mtime_ns, digest]
        return digest


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    temporary.replace(path)


@dataclass
class Artifacts:
    """Everything to upload, by object key: functions' binaries and nested templates."""

    bucket: str
    endpoint: str
    binaries: dict[str, Path] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)

    def url(self, key: str) -> str:
        return f"{self.endpoint}/{self.bucket}/{key}"


def prepare(template_path: Path, binaries: Path, artifacts: Artifacts, memory: Memory, depth: int = 0) -> str:
    """Points a template at its artifacts, nested ones first, and returns the object key of the template itself."""
    if depth > MAX_NESTING:
        raise DeployError(f"{template_path} is nested deeper than {MAX_NESTING} templates; does it contain itself?")
    template = read_template(template_path)
    for properties in _nested(template):
        nested = template_path.parent / properties["TemplateURL"]
        properties["TemplateURL"] = artifacts.url(prepare(nested, binaries, artifacts, memory, depth + 1))
    for properties in _functions(template):
        name = binary_name(properties["CodeUri"])
        key = f"functions/{name}-{memory.sha256(binaries / name)[:32]}-{_PACKING}.zip"
        artifacts.binaries[key] = binaries / name
        properties["CodeUri"] = f"s3://{artifacts.bucket}/{key}"
    body = json.dumps(template, sort_keys=True)
    key = f"templates/{hashlib.sha256(body.encode()).hexdigest()[:32]}.json"
    artifacts.templates[key] = body
    return key


# --- Talking to the cloud ---------------------------------------------------------------------------------------


class Cloud:
    """The two services a deployment needs, at the local endpoint."""

    def __init__(self, endpoint: str) -> None:
        import boto3
        from botocore.config import Config

        config = Config(
            region_name=REGION,
            max_pool_connections=8,
            # A call that was made must not be made again because its answer took long: a change set is executed once.
            retries={"total_max_attempts": 1},
            read_timeout=TIMEOUT_SECONDS,
            s3={"addressing_style": "path"},
            # A deployment that cannot reach its cloud should say so at once.
            connect_timeout=3,
        )
        options = {"endpoint_url": endpoint, "config": config, **CREDENTIALS}
        session = boto3.session.Session(**CREDENTIALS, region_name=REGION)
        self.stacks = session.client("cloudformation", **options)
        self._session, self._options = session, options

    def objects(self) -> Any:
        return self._session.client("s3", **self._options)

    def stack(self, name: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            return self.stacks.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise


def upload(objects: Any, artifacts: Artifacts) -> int:
    """Uploads what is not there yet and returns how many objects that were."""
    try:
        objects.create_bucket(Bucket=artifacts.bucket)
    except objects.exceptions.BucketAlreadyOwnedByYou:
        pass
    present = set(_keys(objects, artifacts.bucket))

    def put_binary(key: str) -> None:
        objects.put_object(Bucket=artifacts.bucket, Key=key, Body=package(artifacts.binaries[key].read_bytes()))

    def put_template(key: str) -> None:
        objects.put_object(Bucket=artifacts.bucket, Key=key, Body=artifacts.templates[key].encode())

    missing: list[tuple[Callable[[str], None], str]] = []
    missing += [(put_binary, key) for key in sorted(artifacts.binaries) if key not in present]
    missing += [(put_template, key) for key in sorted(artifacts.templates) if key not in present]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for finished in [pool.submit(put, key) for put, key in missing]:
            finished.result()
    return len(missing)


def prune(objects: Any, artifacts: Artifacts) -> None:
    """Deletes the artifacts of former deployments: each binary is megabytes, and there are many of them."""
    for key in _keys(objects, artifacts.bucket):
        if key not in artifacts.binaries and key not in artifacts.templates:
            objects.delete_object(Bucket=artifacts.bucket, Key=key)


def _keys(objects: Any, bucket: str) -> Iterator[str]:
    for page in objects.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from (item["Key"] for item in page.get("Contents", []))


def apply(cloud: Cloud, stack: str, template_url: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Creates or updates the stack by a change set, waits for it and returns it as it is then."""
    existing = _clear_failed(cloud, stack)
    change_set = f"deploy-{time.time_ns()}"
    began = time.time()
    cloud.stacks.create_change_set(
        StackName=stack,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if existing else "CREATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
        Capabilities=CAPABILITIES,
    )
    described = _wait(
        lambda: cloud.stacks.describe_change_set(StackName=stack, ChangeSetName=change_set),
        lambda described: described["Status"] in ("CREATE_COMPLETE", "FAILED"),
    )
    if described["Status"] == "FAILED":
        reason = described.get("StatusReason", "no reason given")
        if existing and ("didn't contain changes" in reason or "No updates" in reason):
            return existing
        raise DeployError(f"the change set was refused: {reason}")
    cloud.stacks.execute_change_set(StackName=stack, ChangeSetName=change_set)
    done = _wait(lambda: cloud.stack(stack) or {}, lambda done: not done.get("StackStatus", "").endswith("IN_PROGRESS"))
    if done.get("StackStatus") not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(f"the stack is {done.get('StackStatus', 'gone')}\n{_failures(cloud, stack, began)}")
    return done


def _clear_failed(cloud: Cloud, stack: str) -> dict[str, Any] | None:
    """A stack whose creation failed can only be deleted; nothing of it is worth keeping."""
    existing = cloud.stack(stack)
    status = existing["StackStatus"] if existing else "DELETE_COMPLETE"
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        cloud.stacks.delete_stack(StackName=stack)
        _wait(lambda: cloud.stack(stack), lambda left: left is None or left["StackStatus"] == "DELETE_COMPLETE")
        return None
    return None if status in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") else existing


def _wait(ask: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        answer = ask()
        if enough(answer):
            return answer
        time.sleep(0.05)
    raise DeployError(f"gave up after {TIMEOUT_SECONDS} seconds; the cloud's log may say what it waits for")


def _failures(cloud: Cloud, stack: str, since: float) -> str:
    """The resources that failed since then (seconds since 1970), first to last, each with its reason."""
    events = cloud.stacks.describe_stack_events(StackName=stack)["StackEvents"]
    lines = [
        f"  {event['LogicalResourceId']} ({event.get('ResourceType', '?')}): {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if "FAILED" in event["ResourceStatus"] and event["Timestamp"].timestamp() >= since - 1
    ]
    return "\n".join(dict.fromkeys(lines)) or "  no resource says why"


# --- Command ----------------------------------------------------------------------------------------------------


def deploy(endpoint: str, template: Path, binaries: Path, stack: str, parameters: dict[str, str], outputs: Path) -> str:
    """Deploys and returns one line that says what it did. Raises `DeployError`."""
    began = time.monotonic()
    memory = Memory.load(outputs.with_name(outputs.name + ".memory"))
    artifacts = Artifacts(bucket=f"{stack}-artifacts", endpoint=endpoint.rstrip("/"))
    template_key = prepare(template, binaries, artifacts, memory)
    fingerprint = hashlib.sha256(
        json.dumps([endpoint, template_key, sorted(artifacts.binaries), parameters], sort_keys=True).encode()
    ).hexdigest()

    cloud = Cloud(endpoint)
    existing = cloud.stack(stack)
    is_current = (
        existing is not None
        and existing["StackId"] == memory.stack_id
        and existing["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        and fingerprint == memory.fingerprint
    )
    if existing is not None and is_current and outputs.exists():
        memory.save()
        return f"{stack} is up to date ({time.monotonic() - began:.1f} s)"

    objects = cloud.objects()
    uploaded = upload(objects, artifacts)
    done = apply(cloud, stack, artifacts.url(template_key), parameters)
    _write(outputs, {output["OutputKey"]: output["OutputValue"] for output in done.get("Outputs", [])})
    memory.stack_id, memory.fingerprint = done["StackId"], fingerprint
    memory.hashes = {str(path): memory.hashes[str(path)] for path in artifacts.binaries.values()}
    memory.save()
    prune(objects, artifacts)
    return f"{stack} deployed, {uploaded} artifacts uploaded ({time.monotonic() - began:.1f} s)"


def _parameter(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"write a parameter as KEY=VALUE, not {text!r}")
    return key, value


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Deploys the template into the local cloud.")
    parser.add_argument("--endpoint", default="http://127.0.0.1:4566")
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--binaries", type=Path, required=True, help="folder of the functions' binaries")
    parser.add_argument("--stack", default="romashka")
    parser.add_argument("--parameter", type=_parameter, action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--outputs", type=Path, required=True, help="where to write the stack's outputs, as JSON")
    parsed = parser.parse_args(arguments)

    from botocore.exceptions import BotoCoreError, ClientError

    try:
        print(
            deploy(
                parsed.endpoint,
                parsed.template,
                parsed.binaries,
                parsed.stack,
                dict(parsed.parameter),
                parsed.outputs,
            )
        )
        return 0
    except (DeployError, BotoCoreError, ClientError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

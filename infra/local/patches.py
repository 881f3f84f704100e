"""What the emulator gets wrong for us, each mended by one function.

Every function says why it exists and which behaviour of a newer emulator makes it needless; `tests/test_patches.py`
holds that behaviour of the pinned version fast, so that raising the pin names the patches to delete.

A function takes `swap(owner, attribute, replacement)`: the launcher passes `setattr`, a test one that undoes itself.
All of them must run before the emulator serves its first request.
"""

from __future__ import annotations

import copy
import json
import re
import time
from dataclasses import replace
from typing import Any, Callable

import samtranslator.translator.transform as sam
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import dynamodb, lambda_svc, s3

from expand import expand_http_apis
from function_logs import FunctionLogs
from guard import Guard
from policies import leading_keys, substitute_in_conditions, substitute_variables

# The one version whose insides these functions know; `requirements.txt` pins the same.
EMULATOR_VERSION = "1.5.33"

Swap = Callable[[object, str, Any], None]

# AWS keeps a change stream for a day. All of it would stand in memory and in every snapshot.
STREAM_RETENTION_SECONDS = 60 * 60


def expand_http_api_bodies(swap: Swap) -> None:
    """Gives an HTTP API its routes: `AWS::ApiGatewayV2::Api.Body`, which SAM writes them into, is ignored.

    Needless once the provisioner of `AWS::ApiGatewayV2::Api` reads `Body`.
    """
    transform = sam.transform

    def transform_and_expand(*arguments: Any, **options: Any) -> dict[str, Any]:
        return expand_http_apis(transform(*arguments, **options))

    swap(sam, "transform", transform_and_expand)


def answer_runtime_api_at_once(swap: Swap) -> None:
    """Turns Nagle's algorithm off: head and body go out as two writes, and the second waits 40 ms for an
    acknowledgement that the function's side delays.

    Needless once the Runtime API's handler sets `disable_nagle_algorithm` or writes once.
    """
    build = lambda_runtime.ProvidedWorker._build_handler_class

    def build_without_delay(worker: Any, *arguments: Any) -> type:
        handler = build(worker, *arguments)
        handler.disable_nagle_algorithm = True
        return handler

    swap(lambda_runtime.ProvidedWorker, "_build_handler_class", build_without_delay)


def write_function_logs(swap: Swap, logs: FunctionLogs) -> None:
    """Sends the functions' output to files. The emulator holds it in memory, a new log stream for every
    invocation and for ever, and waits up to 50 ms after each one for lines that may still come.

    Needless once output can be written to a file, memory is bounded and an invocation does not wait for its lines.
    """
    worker_class = lambda_runtime.ProvidedWorker
    invoke = worker_class.invoke

    def pump(worker: Any, stream: Any, _queue: Any) -> None:
        logs.follow(worker.func_name, stream)

    def invoke_and_record(worker: Any, event: Any, request_id: str, **options: Any) -> dict[str, Any]:
        result = invoke(worker, event, request_id, **options)
        if result.get("status") == "error":
            logs.error(worker.func_name, request_id, result.get("error_payload") or result.get("error"))
        return result

    swap(worker_class, "_pump_output", pump)
    swap(worker_class, "invoke", invoke_and_record)
    swap(worker_class, "_drain_stderr_bounded", lambda worker, **waits: "")
    swap(lambda_svc, "_emit_lambda_logs", lambda *arguments, **options: None)


def logical_name(function: str) -> str:
    """`UploadsCreate` for the deployed name `romashka-UploadsCreate-0123456789ABC`; any other name as it is."""
    generated = re.fullmatch(r".+-([A-Za-z0-9]+)-[0-9A-F]{13}", function)
    return generated.group(1) if generated else function


def hide_function_errors(swap: Swap) -> None:
    """Answers an unhandled error as API Gateway does, 500 without a word about it; the emulator answers 502 with
    the error's text, which a test could come to rely on. The text is in the function's log.

    Needless once `lambda_execute_result_to_api_proxy_response` answers so by itself.
    """
    convert = lambda_svc.lambda_execute_result_to_api_proxy_response

    def convert_hiding(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("error") and not result.get("throttle"):
            return {
                "statusCode": 500,
                "headers": {"Content-Type": "application/json"},
                "body": json.dumps({"message": "Internal Server Error"}),
            }, None
        return convert(result)

    swap(lambda_svc, "lambda_execute_result_to_api_proxy_response", convert_hiding)


def end_functions_with_the_cloud(swap: Swap, guard: Guard) -> None:
    """Starts the functions in the guard's process group; a killed emulator leaves them running.

    Needless once the functions of a killed emulator end by themselves.
    """
    swap(lambda_runtime, "subprocess", guard.subprocess)


def keep_change_streams(swap: Swap) -> None:
    """Saves the tables' change streams with the tables. The emulator saves how far each consumer has read, but
    not the stream: after a restart the first records of the new stream lie before that position and are lost.

    Needless once `dynamodb.get_state` holds the stream records.
    """
    get_tables, load_tables = dynamodb.get_state, dynamodb.load_persisted_state
    get_functions = lambda_svc.get_state

    def tables_with_streams() -> dict[str, Any]:
        return {
            **get_tables(),
            "stream_records": copy.deepcopy(dynamodb._stream_records),
            "stream_trimmed": copy.deepcopy(dynamodb._stream_trimmed),
            "stream_sequence": dynamodb._stream_seq_counter,
            "stream_positions": copy.deepcopy(lambda_svc._dynamodb_stream_positions),
        }

    def load_tables_and_streams(state: dict[str, Any]) -> None:
        load_tables(state)
        if "stream_records" in state:
            dynamodb._stream_records.update(state["stream_records"])
            dynamodb._stream_trimmed.update(state["stream_trimmed"])
            dynamodb._stream_seq_counter = state["stream_sequence"]
            lambda_svc._dynamodb_stream_positions.update(state["stream_positions"])

    def functions_without_positions() -> dict[str, Any]:
        return {key: value for key, value in get_functions().items() if key != "dynamodb_stream_positions"}

    swap(dynamodb, "get_state", tables_with_streams)
    swap(dynamodb, "load_persisted_state", load_tables_and_streams)
    swap(lambda_svc, "get_state", functions_without_positions)
    swap(dynamodb, "_STREAM_RETENTION_SECONDS", STREAM_RETENTION_SECONDS)


def know_leading_keys(swap: Swap) -> None:
    """Gives policies the condition key `dynamodb:LeadingKeys`; without it `ForAllValues` allows every tenant.

    Needless once `dynamodb_service_context` has it.
    """
    context = iam_actions.dynamodb_service_context

    def context_with_leading_keys(body: bytes) -> dict[str, Any]:
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context(body)
        keys = leading_keys(request, _hash_key_of) if isinstance(request, dict) else []
        return {**context(body), **({"dynamodb:LeadingKeys": keys} if keys else {})}

    swap(iam_actions, "dynamodb_service_context", context_with_leading_keys)


def _hash_key_of(table: str, index: str | None) -> str | None:
    """From the deployed table; a table may be named by its ARN."""
    schema = dynamodb._tables.get(table.rpartition("table/")[2])
    if schema is None:
        return None
    if index is not None:
        indexes = [*(schema.get("GlobalSecondaryIndexes") or []), *(schema.get("LocalSecondaryIndexes") or [])]
        schema = next((each for each in indexes if each.get("IndexName") == index), {})
    return next((key["AttributeName"] for key in schema.get("KeySchema", []) if key["KeyType"] == "HASH"), None)


def substitute_policy_variables(swap: Swap) -> None:
    """Fills in `${aws:PrincipalTag/…}` and its like, which the evaluator compares letter by letter.

    Needless once `evaluate` substitutes variables in `Resource` and `Condition`.
    """
    first_match = iam_evaluator._first_match

    def first_match_substituting(context: Any, statements: list[Any], effect: str) -> Any:
        def value_of(key: str) -> Any:
            return iam_evaluator._resolve_condition_key(key, context)

        def filled(patterns: list[str]) -> list[str]:
            return [substitute_variables(pattern, value_of) for pattern in patterns]

        substituted = [
            replace(
                statement,
                resources=filled(statement.resources),
                not_resources=filled(statement.not_resources),
                conditions=substitute_in_conditions(statement.conditions, value_of),
            )
            for statement in statements
        ]
        return first_match(context, substituted, effect)

    swap(iam_evaluator, "_first_match", first_match_substituting)


def read_numbers_of_parameters(swap: Swap) -> None:
    """Takes a number that comes from a parameter of the template for a number: `Ref` gives every parameter as text,
    CloudFormation gives it the type that the property wants.

    Needless once the event source mapping's provisioner converts `ScalingConfig.MaximumConcurrency`.
    """
    concurrency = lambda_svc._sqs_esm_concurrency

    def concurrency_of_number(mapping: dict[str, Any], *arguments: Any, **options: Any) -> int:
        scaling = mapping.get("ScalingConfig") or {}
        if isinstance(scaling.get("MaximumConcurrency"), str):
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return concurrency(mapping, *arguments, **options)

    swap(lambda_svc, "_sqs_esm_concurrency", concurrency_of_number)


# A batch call of SQS is permitted by the action for one message; these names are not actions at all on AWS.
_QUEUE_BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def permit_queue_batches(swap: Swap) -> None:
    """Asks for `sqs:SendMessage` where many messages are sent at once, as AWS does.

    Needless once `extract_iam_action` maps the batch calls of SQS to the actions that permit them.
    """
    extract = iam_actions.extract_iam_action

    def extract_permitting(*arguments: Any, **options: Any) -> str | None:
        action = extract(*arguments, **options)
        return _QUEUE_BATCHES.get(action, action) if action else action

    swap(iam_actions, "extract_iam_action", extract_permitting)


def delay_objects(swap: Swap, seconds: float) -> None:
    """Lets each object wait before it is given: on AWS, S3 is not on the same machine. Benchmarks ask for it.

    It mends nothing and is never needless; everything else waits, too, so what is measured is no better than it would be.
    """
    get = s3._get_object

    def get_late(*arguments: Any, **options: Any) -> Any:
        time.sleep(seconds)
        return get(*arguments, **options)

    swap(s3, "_get_object", get_late)


def read_ranges_of_versions(swap: Swap) -> None:
    """Gives the bytes that a `Range` asks for, and no others, also where the request names a version of the object.

    Needless once `_get_object` looks at the range before it returns a version.
    """
    get = s3._get_object

    def get_range(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> tuple:
        status, answered, body = get(bucket, key, headers, query)
        asked = headers.get("range", "")
        if status != 200 or not asked or "Content-Range" in answered:
            return status, answered, body
        found = s3._parse_range(asked, len(body))
        if found is None:
            refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, refused, s3._xml_body(s3._range_error_xml(bucket, key))
        start, end = found
        part = body[start : end + 1]
        ranged = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return 206, {**answered, **ranged}, part

    swap(s3, "_get_object", get_range)

"""Each patch mends something, and the pinned emulator still needs it.

A test named `..._still_...` holds the behaviour of the emulator as it comes. When it fails after the pin was
raised, the patch that it stands beside has become needless: delete both.
"""

import inspect
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import samtranslator.translator.transform as sam
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import apigateway, cloudwatch_logs, dynamodb, lambda_svc, s3
from ministack.services.cloudformation import provisioners

import patches
from deploy import package
from function_logs import FunctionLogs

HERE = Path(__file__).resolve().parent.parent
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"

# A runtime in a few lines, as a `bootstrap`: it answers what it was asked, prints, and fails when told to.
BOOTSTRAP = f"""#!{sys.executable} -S
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    request, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())
    print("saw", body, flush=True)
    kind = "error" if body == "fail" else "response"
    answer = {{"errorMessage": "a secret"}} if body == "fail" else body
    api.request("POST", "/2018-06-01/runtime/invocation/%s/%s" % (request, kind), json.dumps(answer))
    api.getresponse().read()
""".encode()


class PatchTest(unittest.TestCase):
    def swap(self, owner: object, attribute: str, replacement: Any) -> None:
        patch = mock.patch.object(owner, attribute, replacement)
        patch.start()
        self.addCleanup(patch.stop)

    def folder(self) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    def worker(self) -> lambda_runtime.ProvidedWorker:
        config = {"FunctionName": "echo", "FunctionArn": ARN + "echo", "Runtime": "provided.al2023", "Timeout": 5}
        worker = lambda_runtime.ProvidedWorker("echo", config, package(BOOTSTRAP))
        self.addCleanup(worker._teardown)
        return worker


class Pin(unittest.TestCase):
    def test_the_patches_are_for_the_version_that_is_pinned(self) -> None:
        self.assertIn(f"\nministack=={patches.EMULATOR_VERSION} ", (HERE / "requirements.txt").read_text())


class HttpApiBodies(PatchTest):
    INTEGRATION = {"uri": "u", "type": "aws_proxy"}
    BODY = {"openapi": "3.0.1", "paths": {"/a": {"get": {"x-amazon-apigateway-integration": INTEGRATION}}}}

    def test_the_emulator_still_ignores_the_body_of_an_http_api(self) -> None:
        api, _ = provisioners._apigw_v2_api_create("Api", {"ProtocolType": "HTTP", "Body": self.BODY}, "stack")
        self.addCleanup(provisioners._apigw_v2_api_delete, api, {})
        self.assertFalse(apigateway._routes.get(api))

    def test_a_transformed_template_has_routes(self) -> None:
        body = {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": self.BODY}}}}
        self.swap(sam, "transform", lambda *arguments: body)
        patches.expand_http_api_bodies(self.swap)
        types = [resource["Type"] for resource in sam.transform({}, {}, None)["Resources"].values()]
        self.assertIn("AWS::ApiGatewayV2::Route", types)


class RuntimeApi(PatchTest):
    def handler(self) -> Any:
        return self.worker()._build_handler_class(1, queue.Queue())

    def test_the_emulator_still_leaves_nagles_algorithm_on(self) -> None:
        self.assertFalse(self.handler().disable_nagle_algorithm)

    def test_it_is_off(self) -> None:
        patches.answer_runtime_api_at_once(self.swap)
        self.assertTrue(self.handler().disable_nagle_algorithm)


class Logs(PatchTest):
    def test_the_emulator_still_waits_for_lines_after_every_invocation(self) -> None:
        waits = inspect.signature(lambda_runtime.ProvidedWorker._drain_stderr_bounded).parameters
        self.assertGreaterEqual(waits["first_line_wait"].default, 0.05)

    def test_the_emulator_still_keeps_a_log_stream_for_every_invocation(self) -> None:
        self.addCleanup(cloudwatch_logs.reset)
        for request in ("1", "2", "3"):
            lambda_svc._emit_lambda_logs({"config": {"FunctionName": "f"}}, request, "line", False, 1)
        self.assertEqual(len(cloudwatch_logs._log_groups["/aws/lambda/f"]["streams"]), 3)

    def test_output_and_errors_go_to_the_functions_file_and_nothing_stays_in_memory(self) -> None:
        folder = self.folder()
        patches.answer_runtime_api_at_once(self.swap)
        patches.write_function_logs(self.swap, FunctionLogs(folder, patches.logical_name))
        worker = self.worker()
        self.assertEqual(worker.invoke("hello", "r-1")["result"], "hello")
        self.assertEqual(worker.invoke("fail", "r-2")["status"], "error")
        lambda_svc._emit_lambda_logs({"config": {"FunctionName": "echo"}}, "r-1", "line", False, 1)
        self.assertNotIn("/aws/lambda/echo", cloudwatch_logs._log_groups)
        deadline = time.monotonic() + 2
        while (text := (folder / "echo.log").read_text()).count("saw") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertIn("saw hello", text)
        self.assertIn("a secret", text)

    def test_a_warm_invocation_takes_milliseconds(self) -> None:
        patches.answer_runtime_api_at_once(self.swap)
        patches.write_function_logs(self.swap, FunctionLogs(self.folder(), patches.logical_name))
        worker = self.worker()
        worker.invoke("cold", "r-0")
        fastest = min(self.timed(worker) for _ in range(10))
        self.assertLess(fastest, 0.03)

    def timed(self, worker: Any) -> float:
        began = time.monotonic()
        worker.invoke("warm", "r-1")
        return time.monotonic() - began


class FunctionErrors(PatchTest):
    FAILED = {"error": True, "body": {"errorMessage": "a secret", "errorType": "Boom"}}

    def answer(self, result: dict[str, Any]) -> Any:
        return lambda_svc.lambda_execute_result_to_api_proxy_response(result)[0]

    def test_the_emulator_still_tells_the_caller_what_went_wrong(self) -> None:
        answer = self.answer(self.FAILED)
        self.assertEqual(answer["statusCode"], 502)
        self.assertIn("a secret", answer["body"])

    def test_the_caller_learns_nothing(self) -> None:
        patches.hide_function_errors(self.swap)
        answer = self.answer(self.FAILED)
        self.assertEqual(
            (answer["statusCode"], json.loads(answer["body"])), (500, {"message": "Internal Server Error"})
        )

    def test_an_answer_and_a_throttle_stay_as_they_are(self) -> None:
        fine, throttled = {"body": {"statusCode": 201}}, {"error": True, "throttle": True, "body": {}}
        before = [self.answer(fine), self.answer(throttled)]
        patches.hide_function_errors(self.swap)
        self.assertEqual([self.answer(fine), self.answer(throttled)], before)


class Orphans(PatchTest):
    # A function that does not notice that its cloud is gone, and a cloud that is killed.
    KILLED_CLOUD = textwrap.dedent("""
        import os, signal, sys
        from ministack.core import lambda_runtime
        from deploy import package
        if sys.argv[1] == "guarded":
            import patches
            from guard import Guard
            patches.end_functions_with_the_cloud(setattr, Guard())
        bootstrap = f"#!{sys.executable} -S\\nimport time\\ntime.sleep(30)\\n".encode()
        config = {"FunctionName": "deaf", "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:deaf"}
        worker = lambda_runtime.ProvidedWorker("deaf", config, package(bootstrap))

        def killed(init_timeout=None):
            print(worker._proc.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

        worker._await_init = killed
        worker._spawn()
    """)

    def function_of_a_killed_cloud(self, how: str) -> int:
        environment = {**os.environ, "PYTHONPATH": str(HERE), "TMPDIR": str(self.folder())}
        command = [sys.executable, "-c", self.KILLED_CLOUD, how]
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=30)
        self.assertEqual(ended.returncode, -signal.SIGKILL)
        return int(ended.stdout)

    def lives(self, pid: int) -> bool:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
                # A dead process that nobody has asked after is still listed.
                if subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout.startswith(b"Z"):
                    return False
            except ProcessLookupError:
                return False
            time.sleep(0.05)
        return True

    def test_the_emulator_still_leaves_functions_behind_when_it_is_killed(self) -> None:
        pid = self.function_of_a_killed_cloud("stock")
        alive = self.lives(pid)
        if alive:
            os.kill(pid, signal.SIGKILL)
        self.assertTrue(alive)

    def test_functions_end_with_a_killed_cloud(self) -> None:
        self.assertFalse(self.lives(self.function_of_a_killed_cloud("guarded")))


class ChangeStreams(PatchTest):
    def setUp(self) -> None:
        self.addCleanup(dynamodb.reset)
        self.addCleanup(lambda_svc._dynamodb_stream_positions.clear)

    def test_the_emulator_still_forgets_the_stream_but_not_the_position_in_it(self) -> None:
        self.assertNotIn("stream_records", dynamodb.get_state())
        self.assertIn("dynamodb_stream_positions", lambda_svc.get_state())

    def test_stream_and_position_survive_a_restart_together(self) -> None:
        patches.keep_change_streams(self.swap)
        dynamodb._stream_records["table"] = [{"eventID": "1"}, {"eventID": "2"}]
        lambda_svc._dynamodb_stream_positions["consumer"] = 1
        state = json.dumps(dynamodb.get_state(), default=app.save_all.__globals__["_json_default"])
        dynamodb.reset()
        lambda_svc._dynamodb_stream_positions.clear()
        dynamodb.load_persisted_state(json.loads(state, object_hook=app.load_state.__globals__["_json_object_hook"]))
        position = lambda_svc._dynamodb_stream_positions["consumer"]
        self.assertEqual(dynamodb.stream_records_since("table", position, 10), [{"eventID": "2"}])
        self.assertNotIn("dynamodb_stream_positions", lambda_svc.get_state())


class Snapshots(PatchTest):
    def test_the_emulator_still_saves_only_when_it_stops(self) -> None:
        self.assertEqual(inspect.getsource(app).count("save_all("), 1)
        self.assertIn("save_all(", inspect.getsource(app._handle_lifespan))


class LeadingKeys(PatchTest):
    PUT = json.dumps({"TableName": "table", "Item": {"pk": {"S": "T#a"}}}).encode()

    def test_the_emulator_still_has_no_leading_keys(self) -> None:
        self.assertNotIn("dynamodb:LeadingKeys", iam_actions.dynamodb_service_context(self.PUT))

    def test_a_request_has_the_keys_of_its_table(self) -> None:
        self.addCleanup(dynamodb.reset)
        dynamodb._tables["table"] = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}
        patches.know_leading_keys(self.swap)
        context = iam_actions.dynamodb_service_context(self.PUT)
        self.assertEqual(context["dynamodb:LeadingKeys"], ["T#a"])
        self.assertIn("dynamodb:Select", context)

    def test_a_body_that_is_not_json_is_left_to_the_emulator(self) -> None:
        patches.know_leading_keys(self.swap)
        for body in (b"", b"{", b"[]", b"\xff"):
            with self.subTest(body):
                self.assertNotIn("dynamodb:LeadingKeys", iam_actions.dynamodb_service_context(body))


class PolicyVariables(PatchTest):
    POLICY = {
        "Statement": {
            "Effect": "Allow",
            "Action": "dynamodb:*",
            "Resource": "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/stack}",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["T#${aws:PrincipalTag/tenant}#*"]}},
        }
    }

    def decision(self, **tags: str) -> str:
        context = iam_evaluator.EvalContext(
            principal_arn="arn:aws:sts::000000000000:assumed-role/tenant/session",
            principal_type="AssumedRole",
            principal_account="000000000000",
            action="dynamodb:PutItem",
            resource_arn="arn:aws:dynamodb:us-east-1:000000000000:table/romashka",
            region="us-east-1",
            service_context={"dynamodb:leadingkeys": ["T#a#template"]},
            principal_keys={f"aws:principaltag/{key}": value for key, value in tags.items()},
        )
        return iam_evaluator.evaluate(context, [iam_evaluator.parse_policy_document(self.POLICY)]).decision

    def test_the_emulator_still_compares_variables_letter_by_letter(self) -> None:
        self.assertEqual(self.decision(tenant="a", stack="romashka"), "ImplicitDeny")

    def test_a_tenant_reaches_its_own_rows_and_no_others(self) -> None:
        patches.substitute_policy_variables(self.swap)
        self.assertEqual(self.decision(tenant="a", stack="romashka"), "Allow")
        self.assertEqual(self.decision(tenant="b", stack="romashka"), "ImplicitDeny")
        self.assertEqual(self.decision(tenant="a", stack="other"), "ImplicitDeny")

    def test_a_caller_without_a_tenant_reaches_nothing(self) -> None:
        patches.substitute_policy_variables(self.swap)
        self.assertEqual(self.decision(stack="romashka"), "ImplicitDeny")


class NumbersOfParameters(PatchTest):
    def concurrency(self) -> int:
        return lambda_svc._sqs_esm_concurrency({"ScalingConfig": {"MaximumConcurrency": "2"}}, {}, {})

    def test_the_emulator_still_takes_a_number_of_a_parameter_for_text(self) -> None:
        self.assertEqual(self.concurrency(), "2")

    def test_a_mapping_runs_as_many_batches_as_the_parameter_says(self) -> None:
        patches.read_numbers_of_parameters(self.swap)
        self.assertEqual(self.concurrency(), 2)


class QueueBatches(PatchTest):
    def action(self) -> str | None:
        target = {"x-amz-target": "AmazonSQS.SendMessageBatch"}
        return iam_actions.extract_iam_action("sqs", "POST", "/", target, b"{}", {})

    def test_the_emulator_still_asks_for_an_action_that_aws_does_not_have(self) -> None:
        self.assertEqual(self.action(), "sqs:SendMessageBatch")

    def test_who_may_send_one_message_may_send_many(self) -> None:
        patches.permit_queue_batches(self.swap)
        self.assertEqual(self.action(), "sqs:SendMessage")


class DistantObjects(PatchTest):
    def test_an_object_waits_as_long_as_a_benchmark_asks(self) -> None:
        self.addCleanup(s3.reset)
        s3._create_bucket("bucket", b"")
        s3._put_object("bucket", "key", b"0123456789", {})
        patches.delay_objects(self.swap, 0.2)
        started = time.monotonic()
        status, _, body = s3._get_object("bucket", "key", {}, {})
        self.assertEqual((status, body), (200, b"0123456789"))
        self.assertGreaterEqual(time.monotonic() - started, 0.2)


class RangesOfVersions(PatchTest):
    def setUp(self) -> None:
        self.addCleanup(s3.reset)
        enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        s3._create_bucket("bucket", b"")
        s3._put_bucket_versioning("bucket", enabled)
        _, headers, _ = s3._put_object("bucket", "key", b"0123456789", {})
        self.version = headers["x-amz-version-id"]

    def read(self, asked: str) -> tuple[int, bytes]:
        status, _, body = s3._get_object("bucket", "key", {"range": asked}, {"versionId": [self.version]})
        return status, body

    def test_the_emulator_still_gives_all_of_a_version(self) -> None:
        self.assertEqual(self.read("bytes=2-4"), (200, b"0123456789"))

    def test_a_range_of_a_version_is_that_range(self) -> None:
        patches.read_ranges_of_versions(self.swap)
        self.assertEqual(self.read("bytes=2-4"), (206, b"234"))
        self.assertEqual(self.read("bytes=10-")[0], 416)

"""`template.yaml`, the functions and the OpenAPI document say the same.

Run by `cargo xtask test`; it needs the local cloud's Python environment and nothing running.
"""

import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra/local"))

import yaml  # noqa: E402
from deploy import TemplateLoader  # noqa: E402

TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader=TemplateLoader)
RESOURCES = TEMPLATE["Resources"]
ALARMS = yaml.load((ROOT / "infra/alarms.yaml").read_text(), Loader=TemplateLoader)
FUNCTIONS = {name: it for name, it in RESOURCES.items() if it["Type"] == "AWS::Serverless::Function"}
QUEUES = {name: it["Properties"] for name, it in RESOURCES.items() if it["Type"] == "AWS::SQS::Queue"}
MAINS = {path.stem: path for path in (ROOT / "functions").glob("*/src/bin/*.rs")}


def binary(function):
    return Path(function["Properties"]["CodeUri"]).name


def events(function, kind):
    return [it["Properties"] for it in function["Properties"].get("Events", {}).values() if it["Type"] == kind]


def statements(function):
    return [it for policy in function["Properties"].get("Policies", []) for it in policy["Statement"]]


def default(value):
    """A property's value, or the default of the parameter that it refers to."""
    return TEMPLATE["Parameters"][value["Ref"]]["Default"] if isinstance(value, dict) else value


def timeout(function):
    otherwise = TEMPLATE["Globals"]["Function"]["Timeout"]
    return default(function["Properties"].get("Timeout", otherwise))


class Functions(unittest.TestCase):
    def test_each_binary_has_one_function_and_each_function_its_binary(self):
        self.assertEqual(sorted(MAINS), sorted(binary(it) for it in FUNCTIONS.values()))

    def test_a_main_is_three_lines(self):
        for name, path in MAINS.items():
            code = [line for line in path.read_text().splitlines() if line and not line.startswith("//")]
            self.assertLessEqual(len(code), 6, name)
            self.assertEqual(sum(line.startswith("fn ") for line in code), 1, name)

    def test_each_function_has_an_alarm_of_its_own(self):
        for name in FUNCTIONS:
            alarm = ALARMS["Resources"][f"{name}Alarm"]["Properties"]
            self.assertEqual(alarm["Dimensions"], [{"Name": "FunctionName", "Value": {"Ref": name}}])
            self.assertEqual((alarm["Namespace"], alarm["MetricName"]), ("AWS/Lambda", "Errors"))

    def test_a_function_that_answers_for_its_failures_is_watched_by_them(self):
        for name, function in FUNCTIONS.items():
            main = MAINS[binary(function)].read_text()
            operation = re.search(r'(?:romashka_http::serve|serve_queue|serve_messages)\(\s*"([^"]+)"', main)
            if operation is None:
                continue
            alarm = ALARMS["Resources"][f"{name}FaultsAlarm"]["Properties"]
            self.assertEqual(alarm["Dimensions"], [{"Name": "Operation", "Value": operation[1]}])
            self.assertEqual((alarm["Namespace"], alarm["MetricName"]), ("Romashka", "Faults"))

    def test_the_stack_of_alarms_is_told_every_function_by_its_own_name(self):
        told = RESOURCES["FunctionAlarms"]["Properties"]["Parameters"]
        self.assertEqual(told, {"AlarmTopicArn": {"Ref": "AlarmTopicArn"}} | {name: {"Ref": name} for name in FUNCTIONS})
        self.assertEqual(set(ALARMS["Parameters"]), set(told))

    def test_no_stack_has_more_resources_than_it_may(self):
        # SAM makes a role for each function and a permission or a mapping for each event; the local cloud makes a route
        # and an integration for each of an API's operations besides.
        each = [len(it["Properties"].get("Events", {})) for it in FUNCTIONS.values()]
        routes = sum(len(events(it, "HttpApi")) for it in FUNCTIONS.values())
        self.assertLessEqual(len(RESOURCES) + len(FUNCTIONS) + sum(each) + 2 * routes, 500)
        self.assertLessEqual(len(ALARMS["Resources"]), 500)
        # And more parameters than it may.
        self.assertLessEqual(len(ALARMS["Parameters"]), 200)

    def test_the_operations_of_the_contract_are_the_routes_of_the_template(self):
        contract = json.loads((ROOT / "docs/openapi.json").read_text())
        operations = sorted((verb.upper(), path) for path, verbs in contract["paths"].items() for verb in verbs)
        routes = sorted((it["Method"], it["Path"]) for function in FUNCTIONS.values() for it in events(function, "HttpApi"))
        self.assertEqual(operations, routes)

    def test_a_browser_may_use_every_method_that_a_route_has(self):
        allowed = RESOURCES["HttpApi"]["Properties"]["CorsConfiguration"]["AllowMethods"]
        used = {it["Method"] for function in FUNCTIONS.values() for it in events(function, "HttpApi")}
        self.assertEqual(used - set(allowed), set())

    def test_only_health_and_the_contract_are_open(self):
        contract = json.loads((ROOT / "docs/openapi.json").read_text())
        for name, function in FUNCTIONS.items():
            for route in events(function, "HttpApi"):
                is_open = route.get("Auth", {}).get("Authorizer") == "NONE"
                operation = contract["paths"][route["Path"]][route["Method"].lower()]
                self.assertEqual(is_open, "security" in operation, name)
                self.assertEqual(is_open, name.startswith("Operations"), name)


class Policies(unittest.TestCase):
    def test_nothing_is_granted_to_all_actions_or_all_resources(self):
        for name, function in FUNCTIONS.items():
            for statement in statements(function):
                actions = statement["Action"]
                for action in actions if isinstance(actions, list) else [actions]:
                    self.assertNotIn("*", action, name)
                self.assertNotEqual(statement["Resource"], "*", name)

    def test_the_table_is_granted_by_key_and_every_key_begins_with_a_tenant(self):
        for name, function in FUNCTIONS.items():
            for statement in statements(function):
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                if not any(action.startswith("dynamodb:") for action in actions) or actions == ["dynamodb:DescribeTable"]:
                    continue
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                self.assertTrue(keys and all(re.fullmatch(r"T#\*#[A-Z]+(#\*)?", key) for key in keys), (name, keys))

    def test_who_reads_an_object_that_may_be_gone_is_told_so(self):
        # S3 answers 403 instead of 404 to those who may not list, and a fault is no answer to "is it there?". Who only signs an
        # address does not ask.
        for name, function in FUNCTIONS.items():
            allowed = [statement for statement in statements(function) if "s3:GetObject" in statement["Action"]]
            wanted = {f"{prefix}/*" for statement in allowed for prefix in re.findall(r"Arn\}/([a-z]+)/\*", str(statement["Resource"]))}
            listing = [it for it in statements(function) if it["Action"] == "s3:ListBucket" and "Condition" in it]
            listed = {prefix for it in listing for prefix in it["Condition"]["StringLike"]["s3:prefix"]}
            if name != "UploadsErrors":
                self.assertEqual(wanted - listed, set(), name)

    def test_nobody_may_scan(self):
        self.assertNotIn("dynamodb:Scan", (ROOT / "template.yaml").read_text())


class Queues(unittest.TestCase):
    def test_a_queue_that_feeds_a_function_has_dead_letters_and_they_have_an_alarm(self):
        for name, function in FUNCTIONS.items():
            for event in events(function, "SQS"):
                queue = event["Queue"]["Fn::GetAtt"][0]
                redrive = QUEUES[queue]["RedrivePolicy"]
                dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
                self.assertIn(dead, QUEUES, name)
                self.assertIn(f"{dead}Alarm", RESOURCES, name)
                self.assertGreaterEqual(redrive["maxReceiveCount"], 3, name)
                self.assertEqual(event["FunctionResponseTypes"], ["ReportBatchItemFailures"], name)

    def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_run(self):
        for name, function in FUNCTIONS.items():
            for event in events(function, "SQS"):
                queue = QUEUES[event["Queue"]["Fn::GetAtt"][0]]
                self.assertGreaterEqual(default(queue["VisibilityTimeout"]), 6 * timeout(function), name)

    def test_a_lease_lasts_as_long_as_its_function_may_run(self):
        for name, function in FUNCTIONS.items():
            variables = function["Properties"].get("Environment", {}).get("Variables", {})
            if "LEASE_SECONDS" in variables:
                self.assertEqual(variables["LEASE_SECONDS"], function["Properties"]["Timeout"], name)

    def test_the_streams_functions_set_apart_what_they_cannot_take(self):
        streamed = [event for function in FUNCTIONS.values() for event in events(function, "DynamoDB")]
        self.assertEqual(len(streamed), 2)
        for event in streamed:
            self.assertEqual(event["DestinationConfig"]["OnFailure"]["Type"], "SQS")
            for pattern in event["FilterCriteria"]["Filters"]:
                json.loads(pattern["Pattern"])


class Sockets(unittest.TestCase):
    def test_a_route_that_answers_has_a_route_response(self):
        routes = RESOURCES["SocketApi"]["Properties"]["Routes"]
        answering = {name.strip("$").capitalize() for name, it in routes.items() if "RouteResponseSelectionExpression" in it}
        responses = {it["Properties"]["RouteId"]["Ref"] for it in RESOURCES.values() if it["Type"].endswith("RouteResponse")}
        self.assertEqual({f"SocketApi{name}Route" for name in answering}, responses)


class Transformed(unittest.TestCase):
    """SAM passes on what CloudFormation then refuses; so look at what CloudFormation gets."""

    def setUp(self):
        from types import SimpleNamespace

        from samtranslator.translator.transform import transform

        template = yaml.load((ROOT / "template.yaml").read_text(), Loader=TemplateLoader)
        for function in FUNCTIONS:
            template["Resources"][function]["Properties"]["CodeUri"] = f"s3://bucket/{function}.zip"
        import os

        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        self.resources = transform(template, {}, SimpleNamespace(load=lambda: {}))["Resources"]

    def test_numbers_are_numbers(self):
        mappings = [it["Properties"] for it in self.resources.values() if it["Type"] == "AWS::Lambda::EventSourceMapping"]
        self.assertTrue(mappings)
        for mapping in mappings:
            self.assertIsInstance(mapping["BatchSize"], int)

    def test_what_is_named_outside_the_transform_is_there(self):
        for name, resource in self.resources.items():
            if resource["Type"].endswith("RouteResponse"):
                self.assertIn(resource["Properties"]["RouteId"]["Ref"], self.resources, name)

    def test_each_function_has_a_role_of_its_own(self):
        roles = [it["Properties"]["Role"]["Fn::GetAtt"][0] for it in self.resources.values() if it["Type"] == "AWS::Lambda::Function"]
        self.assertEqual(len(roles), len(set(roles)))


if __name__ == "__main__":
    unittest.main()

"""A tenant's policy meets exactly the keys that a request touches."""

import unittest

from policies import UNKNOWN, leading_keys, substitute_in_conditions, substitute_variables


def hash_key_of(table: str, index: str | None) -> str | None:
    return {("table", None): "pk", ("table", "by-status"): "gsi1pk"}.get((table, index))


def keys(**request: object) -> list[str]:
    return leading_keys(request, hash_key_of)


A, B = {"pk": {"S": "T#a"}}, {"pk": {"S": "T#b"}}


class LeadingKeys(unittest.TestCase):
    def test_an_item_and_a_key_name_their_partition(self) -> None:
        self.assertEqual(keys(TableName="table", Item=A), ["T#a"])
        self.assertEqual(keys(TableName="table", Key=B), ["T#b"])

    def test_a_query_names_it_through_its_placeholders(self) -> None:
        self.assertEqual(
            keys(
                TableName="table",
                KeyConditionExpression="sk > :from AND #p = :tenant",
                ExpressionAttributeNames={"#p": "pk"},
                ExpressionAttributeValues={":tenant": {"S": "T#a"}, ":from": {"S": "x"}},
            ),
            ["T#a"],
        )

    def test_a_query_of_an_index_names_the_partition_of_the_index(self) -> None:
        query = {
            "TableName": "table",
            "IndexName": "by-status",
            "KeyConditionExpression": "gsi1pk = :a",
            "ExpressionAttributeValues": {":a": {"S": "T#a#OPEN"}},
        }
        self.assertEqual(keys(**query), ["T#a#OPEN"])
        self.assertEqual(keys(**{**query, "KeyConditionExpression": "pk = :a"}), [UNKNOWN])

    def test_a_batch_names_every_tenant_in_it(self) -> None:
        requests = [{"PutRequest": {"Item": A}}, {"DeleteRequest": {"Key": B}}]
        self.assertEqual(keys(RequestItems={"table": requests}), ["T#a", "T#b"])
        self.assertEqual(keys(RequestItems={"table": {"Keys": [B, A]}}), ["T#a", "T#b"])

    def test_a_transaction_names_every_tenant_in_it(self) -> None:
        items = [{"Put": {"TableName": "table", "Item": A}}, {"ConditionCheck": {"TableName": "table", "Key": B}}]
        self.assertEqual(keys(TransactItems=items), ["T#a", "T#b"])

    def test_a_scan_names_none(self) -> None:
        self.assertEqual(keys(TableName="table"), [])

    def test_what_is_not_understood_is_a_key_that_no_policy_allows(self) -> None:
        for request in (
            {"TableName": "elsewhere", "Key": A},
            {"TableName": "table", "Key": {}},
            {"TableName": "table", "KeyConditionExpression": "begins_with(pk, :a)"},
            {"Statement": "SELECT * FROM t"},
        ):
            with self.subTest(request):
                self.assertEqual(keys(**request), [UNKNOWN])


class Variables(unittest.TestCase):
    def value_of(self, key: str) -> object:
        return {"aws:PrincipalTag/tenant": "a", "aws:TagKeys": ["x"]}.get(key)

    def filled(self, pattern: str) -> str:
        return substitute_variables(pattern, self.value_of)

    def test_the_callers_tag_stands_in_for_its_variable(self) -> None:
        self.assertEqual(self.filled("arn:aws:s3:::b/${aws:PrincipalTag/tenant}/*"), "arn:aws:s3:::b/a/*")

    def test_a_variable_that_the_caller_lacks_matches_nothing(self) -> None:
        self.assertEqual(self.filled("T#${aws:PrincipalTag/team}#*"), UNKNOWN)
        self.assertEqual(self.filled("T#${aws:TagKeys}"), UNKNOWN)
        self.assertEqual(self.filled("T#${}"), UNKNOWN)

    def test_a_default_stands_in_for_a_missing_value_only(self) -> None:
        self.assertEqual(self.filled("${aws:PrincipalTag/team, 'none'}"), "none")
        self.assertEqual(self.filled("${aws:PrincipalTag/tenant, 'none'}"), "a")

    def test_escapes_are_literal(self) -> None:
        self.assertEqual(self.filled("${$}{x}${?}"), "${x}?")

    def test_conditions_are_filled_in_and_keep_their_shape(self) -> None:
        block = {"StringEquals": {"k": ["${aws:PrincipalTag/tenant}", "x"]}, "Bool": {"aws:SecureTransport": True}}
        self.assertEqual(
            substitute_in_conditions(block, self.value_of),
            {"StringEquals": {"k": ["a", "x"]}, "Bool": {"aws:SecureTransport": True}},
        )

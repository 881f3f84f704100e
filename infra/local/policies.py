"""The two parts of IAM that tenant isolation stands on and the local cloud does not know.

`leading_keys` reads the partition keys that a DynamoDB request touches: the condition key
`dynamodb:LeadingKeys`. `substitute_variables` puts the caller's values into policy variables such as
`${aws:PrincipalTag/tenant}`. Both fail closed: what cannot be understood becomes a value no policy names.

Sources: the IAM user guide, "IAM JSON policy elements: Variables and tags"; the DynamoDB developer guide,
"Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

import re
from typing import Any, Callable

# No partition key and no ARN holds a NUL, so a policy can never allow it.
UNKNOWN = "\0unknown"

HashKeyOf = Callable[[str, "str | None"], "str | None"]
"""The name of the partition key of a table, or of an index of it; None when there is no such table."""

ConditionValue = Callable[[str], Any]
"""The value of a condition key such as `aws:PrincipalTag/tenant`; None when the request has none."""

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"^(?P<key>[^,]+?)\s*(?:,\s*'(?P<default>[^']*)')?$")


def leading_keys(request: dict[str, Any], hash_key_of: HashKeyOf) -> list[str]:
    """The distinct partition keys of one DynamoDB request, sorted; empty for a request without any (a Scan)."""
    found: set[str] = set()
    for table, detail in _details(request):
        found.update(_keys_of_detail(detail, hash_key_of(table, detail.get("IndexName"))))
    if any(member in request for member in ("Statement", "Statements", "TransactStatements")):
        found.add(UNKNOWN)  # PartiQL is not parsed.
    return sorted(found)


def _details(request: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every part of a request that names an item or a range of items, with its table."""
    details = []
    if isinstance(request.get("TableName"), str):
        details.append((request["TableName"], request))
    for member in request.get("TransactItems") or []:
        details += [(detail.get("TableName", ""), detail) for detail in member.values() if isinstance(detail, dict)]
    for table, requests in (request.get("RequestItems") or {}).items():
        if isinstance(requests, dict):
            details += [(table, {"Key": key}) for key in requests.get("Keys") or []]
        else:
            details += [(table, detail) for each in requests for detail in each.values()]
    return details


def _keys_of_detail(detail: dict[str, Any], hash_key: str | None) -> set[str]:
    if hash_key is None:
        return {UNKNOWN}
    keys = set()
    for member in ("Item", "Key"):
        if isinstance(detail.get(member), dict):
            keys.add(_scalar(detail[member].get(hash_key)))
    if "KeyConditionExpression" in detail:
        keys.add(_expression_key(detail, hash_key))
    if isinstance(detail.get("KeyConditions"), dict):
        values = detail["KeyConditions"].get(hash_key, {}).get("AttributeValueList") or [None]
        keys.update(_scalar(value) for value in values)
    return keys


def _expression_key(detail: dict[str, Any], hash_key: str) -> str:
    names = detail.get("ExpressionAttributeNames") or {}
    values = detail.get("ExpressionAttributeValues") or {}
    for name, value in re.findall(r"(#?[\w.-]+)\s*=\s*(:\w+)", str(detail["KeyConditionExpression"])):
        if names.get(name, name) == hash_key:
            return _scalar(values.get(value))
    return UNKNOWN


def _scalar(value: Any) -> str:
    """`{"S": "T#a"}` as `T#a`."""
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value.values())))
    return UNKNOWN


def substitute_variables(pattern: str, value_of: ConditionValue) -> str:
    """A `Resource` or condition value with its policy variables filled in.

    `${*}`, `${?}` and `${$}` stand for the characters themselves; a missing variable without a default makes the
    whole pattern unmatchable, as AWS does.
    """
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        if match.group(1) in ("*", "?", "$"):
            # A literal star has no spelling among the evaluator's patterns; a question mark matches it too.
            return "$" if match.group(1) == "$" else "?"
        variable = _DEFAULT.match(match.group(1))
        value = value_of(variable["key"].strip()) if variable else None
        if value is None and variable:
            value = variable["default"]
        missing = missing or value is None or isinstance(value, (list, tuple))
        return str(value)

    filled = _VARIABLE.sub(fill, pattern)
    return UNKNOWN if missing else filled


def substitute_in_conditions(conditions: dict[str, Any], value_of: ConditionValue) -> dict[str, Any]:
    """The `Condition` block of a statement with its policy variables filled in."""

    def filled(expected: Any) -> Any:
        if isinstance(expected, list):
            return [filled(each) for each in expected]
        return substitute_variables(expected, value_of) if isinstance(expected, str) else expected

    return {
        operator: {key: filled(expected) for key, expected in block.items()} if isinstance(block, dict) else block
        for operator, block in conditions.items()
    }

"""Turns an HTTP API's OpenAPI body into the resources it stands for.

SAM writes every route, integration and authorizer of an `AWS::Serverless::HttpApi` into the `Body` of one
`AWS::ApiGatewayV2::Api`. AWS imports that body; the local cloud ignores it and serves an API without routes.
`expand_http_apis` says the same with `Route`, `Integration` and `Authorizer` resources, which both understand.

It promises to leave everything else in the template as it was, and to refuse a body it does not understand:
a silently missing authorizer would be an open door.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

Template = dict[str, Any]

_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "x-amazon-apigateway-any-method"}


class UnsupportedBody(ValueError):
    """The OpenAPI body holds something that has no counterpart among the expanded resources."""


def expand_http_apis(template: Template) -> Template:
    """Replaces the `Body` of each HTTP API in a transformed template, in place, and returns the template.

    Raises `UnsupportedBody` naming the API and the part of its body.
    """
    resources = template.get("Resources", {})
    for api in [name for name, resource in resources.items() if _has_body(resource)]:
        resources.update(_expand(api, resources[api]))
    return template


def _has_body(resource: dict[str, Any]) -> bool:
    return resource.get("Type") == "AWS::ApiGatewayV2::Api" and "Body" in resource.get("Properties", {})


def _expand(api: str, resource: dict[str, Any]) -> dict[str, Any]:
    properties = resource["Properties"]
    body = properties.pop("Body")
    properties.pop("FailOnWarnings", None)
    properties["ProtocolType"] = "HTTP"
    properties.setdefault("Name", body.get("info", {}).get("title") or api)
    if cors := body.get("x-amazon-apigateway-cors"):
        # Kept in OpenAPI's camelCase on purpose: it is stored as it comes and read as camelCase.
        properties["CorsConfiguration"] = cors
    if tags := _tags(body):
        properties["Tags"] = {**tags, **properties.get("Tags", {})}

    schemes = body.get("components", {}).get("securitySchemes", {})
    expanded = {_authorizer_id(api, name): _authorizer(api, name, scheme) for name, scheme in schemes.items()}
    integrations: dict[str, str] = {}
    for path, method, operation, condition in _operations(api, body.get("paths", {})):
        integration = operation.get("x-amazon-apigateway-integration")
        if not isinstance(integration, dict) or "uri" not in integration:
            raise UnsupportedBody(f"{api}: {method} {path} has no integration with a uri")
        # Conditional routes keep an integration of their own: a shared one might not exist.
        identity = json.dumps([integration, condition], sort_keys=True)
        if identity not in integrations:
            integrations[identity] = f"{api}Integration{len(integrations)}"
            expanded[integrations[identity]] = _when(condition, _integration(api, integration))
        route = _route(api, path, method, operation, integrations[identity], schemes)
        expanded[_route_id(api, path, method)] = _when(condition, route)
    for each in expanded.values():
        if "Condition" in resource:
            each.setdefault("Condition", resource["Condition"])
    return expanded


def _tags(body: dict[str, Any]) -> dict[str, str]:
    tagged = (tag for tag in body.get("tags", []) if "x-amazon-apigateway-tag-value" in tag)
    return {tag["name"]: tag["x-amazon-apigateway-tag-value"] for tag in tagged}


def _operations(api: str, paths: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], str | None]]:
    """Each operation with its path, its method and the condition under which it exists."""
    for path, item in paths.items():
        item, path_condition = _unwrap_condition(api, path, item)
        for method, operation in item.items():
            if method not in _METHODS:
                raise UnsupportedBody(f"{api}: {path} has the unknown key {method}")
            operation, condition = _unwrap_condition(api, path, operation)
            if path_condition and condition and path_condition != condition:
                raise UnsupportedBody(f"{api}: {method} {path} stands under two conditions; merge them into one")
            yield path, "ANY" if "any-method" in method else method.upper(), operation, path_condition or condition


def _unwrap_condition(api: str, path: str, value: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """`{"Fn::If": [condition, value, NoValue]}` is how SAM writes a route of a conditional function."""
    if "Fn::If" not in value:
        return value, None
    condition, then, otherwise = value["Fn::If"]
    if otherwise != {"Ref": "AWS::NoValue"}:
        raise UnsupportedBody(f"{api}: {path} has an alternative; only `else AWS::NoValue` can be expanded")
    return then, condition


def _when(condition: str | None, resource: dict[str, Any]) -> dict[str, Any]:
    return {**resource, "Condition": condition} if condition else resource


def _authorizer_id(api: str, name: str) -> str:
    return f"{api}Authorizer{re.sub(r'[^A-Za-z0-9]', '', name)}"


def _authorizer(api: str, name: str, scheme: dict[str, Any]) -> dict[str, Any]:
    authorizer = scheme.get("x-amazon-apigateway-authorizer")
    if not isinstance(authorizer, dict):
        raise UnsupportedBody(f"{api}: the security scheme {name} has no x-amazon-apigateway-authorizer")
    properties: dict[str, Any] = {"ApiId": {"Ref": api}, "Name": name}
    if "jwtConfiguration" in authorizer:
        jwt = authorizer["jwtConfiguration"]
        properties |= {
            "AuthorizerType": "JWT",
            "JwtConfiguration": {"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
            "IdentitySource": _sources(authorizer["identitySource"]),
        }
    elif "authorizerUri" in authorizer:
        properties |= {
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": authorizer["authorizerUri"],
            "AuthorizerPayloadFormatVersion": str(authorizer.get("authorizerPayloadFormatVersion", "2.0")),
        }
        for name_in_body, name_in_resource in (
            ("enableSimpleResponses", "EnableSimpleResponses"),
            ("authorizerResultTtlInSeconds", "AuthorizerResultTtlInSeconds"),
            ("authorizerCredentials", "AuthorizerCredentialsArn"),
        ):
            if name_in_body in authorizer:
                properties[name_in_resource] = authorizer[name_in_body]
        if "identitySource" in authorizer:
            properties["IdentitySource"] = _sources(authorizer["identitySource"])
    else:
        raise UnsupportedBody(f"{api}: the authorizer {name} is neither a JWT nor a Lambda authorizer")
    return {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": properties}


def _sources(value: Any) -> list[Any]:
    """SAM joins the headers of a Lambda authorizer with commas; the resource wants a list."""
    if isinstance(value, str):
        return [source.strip() for source in value.split(",")]
    return value if isinstance(value, list) else [value]


def _integration(api: str, integration: dict[str, Any]) -> dict[str, Any]:
    properties = {
        "ApiId": {"Ref": api},
        "IntegrationType": integration["type"].upper(),
        "IntegrationMethod": integration.get("httpMethod", "POST"),
        "IntegrationUri": integration["uri"],
        "PayloadFormatVersion": str(integration.get("payloadFormatVersion", "2.0")),
    }
    if "timeoutInMillis" in integration:
        properties["TimeoutInMillis"] = integration["timeoutInMillis"]
    return {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}


def _route_id(api: str, path: str, method: str) -> str:
    """Distinct paths stay distinct: what is not a letter or a digit is spelled by its code point."""
    spelled = re.sub(r"[^A-Za-z0-9]", lambda match: f"x{ord(match.group()):x}", path)
    return f"{api}Route{method.title()}{spelled}"


def _route(
    api: str, path: str, method: str, operation: dict[str, Any], integration: str, schemes: dict[str, Any]
) -> dict[str, Any]:
    key = "$default" if path in ("$default", "/$default") else f"{method} {path}"
    properties: dict[str, Any] = {
        "ApiId": {"Ref": api},
        "RouteKey": key,
        "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
    }
    required = [(name, scopes) for entry in operation.get("security", []) for name, scopes in entry.items()]
    required = [(name, scopes) for name, scopes in required if name != "NONE"]
    if len(required) > 1:
        raise UnsupportedBody(f"{api}: {key} names several authorizers; an HTTP API route has one")
    for name, scopes in required:
        if name not in schemes:
            raise UnsupportedBody(f"{api}: {key} names the authorizer {name}, which is not declared")
        is_jwt = "jwtConfiguration" in schemes[name]["x-amazon-apigateway-authorizer"]
        properties["AuthorizationType"] = "JWT" if is_jwt else "CUSTOM"
        properties["AuthorizerId"] = {"Ref": _authorizer_id(api, name)}
        if is_jwt and scopes:
            properties["AuthorizationScopes"] = scopes
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}

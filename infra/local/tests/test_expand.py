"""What SAM writes into an HTTP API's body arrives as resources, and nothing is lost in silence."""

import os
import unittest
from typing import Any
from unittest import mock

import yaml
from samtranslator.translator.transform import transform

from deploy import TemplateLoader
from expand import UnsupportedBody, expand_http_apis

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Conditions: { Wanted: !Equals [a, a] }
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Tags: { ms-custom-id: c0ffee00 }
      CorsConfiguration: { AllowOrigins: ["http://localhost:5173"], AllowMethods: [GET] }
      Auth:
        DefaultAuthorizer: Doorman
        Authorizers:
          Doorman:
            FunctionArn: !GetAtt Door.Arn
            AuthorizerPayloadFormatVersion: "2.0"
            EnableSimpleResponses: true
            Identity: { Headers: [Authorization, X-Key], ReauthorizeEvery: 0 }
          Jwt:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: { issuer: "http://issuer", audience: [romashka] }
  Door:
    Type: AWS::Serverless::Function
    Properties: { Runtime: provided.al2023, Handler: bootstrap, CodeUri: "s3://b/k" }
  Work:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: "s3://b/k"
      Events:
        Get: { Type: HttpApi, Properties: { ApiId: !Ref Api, Path: "/a/{id}", Method: GET } }
        Put:
          Type: HttpApi
          Properties:
            { ApiId: !Ref Api, Path: "/a/{id}", Method: PUT, Auth: { Authorizer: Jwt, AuthorizationScopes: [write] } }
        Open: { Type: HttpApi, Properties: { ApiId: !Ref Api, Path: /open, Method: ANY, Auth: { Authorizer: NONE } } }
  Maybe:
    Type: AWS::Serverless::Function
    Condition: Wanted
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: "s3://b/k"
      Events:
        Get: { Type: HttpApi, Properties: { ApiId: !Ref Api, Path: /maybe, Method: GET } }
"""


def expanded() -> dict[str, Any]:
    no_policies = mock.Mock(load=dict)
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION="us-east-1"):
        template = transform(yaml.load(TEMPLATE, TemplateLoader), {}, no_policies)
    return expand_http_apis(template)["Resources"]


def routes(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [each for each in resources.values() if each["Type"] == "AWS::ApiGatewayV2::Route"]
    return {route["Properties"]["RouteKey"]: route for route in found}


class Expansion(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.resources = expanded()
        cls.routes = routes(cls.resources)

    def test_every_event_becomes_a_route(self) -> None:
        self.assertEqual(set(self.routes), {"GET /a/{id}", "PUT /a/{id}", "ANY /open", "GET /maybe"})
        self.assertNotIn("Body", self.resources["Api"]["Properties"])

    def test_a_route_without_an_authorizer_of_its_own_has_the_default_one(self) -> None:
        route = self.routes["GET /a/{id}"]["Properties"]
        self.assertEqual(route["AuthorizationType"], "CUSTOM")
        authorizer = self.resources[route["AuthorizerId"]["Ref"]]["Properties"]
        self.assertTrue(authorizer["EnableSimpleResponses"])
        self.assertEqual(authorizer["AuthorizerResultTtlInSeconds"], 0)
        self.assertEqual(authorizer["AuthorizerPayloadFormatVersion"], "2.0")
        self.assertEqual(authorizer["IdentitySource"], ["$request.header.Authorization", "$request.header.X-Key"])

    def test_a_jwt_route_keeps_its_scopes_and_its_issuer(self) -> None:
        route = self.routes["PUT /a/{id}"]["Properties"]
        self.assertEqual((route["AuthorizationType"], route["AuthorizationScopes"]), ("JWT", ["write"]))
        jwt = self.resources[route["AuthorizerId"]["Ref"]]["Properties"]["JwtConfiguration"]
        self.assertEqual(jwt, {"Issuer": "http://issuer", "Audience": ["romashka"]})

    def test_a_route_that_asks_for_no_authorizer_has_none(self) -> None:
        self.assertNotIn("AuthorizationType", self.routes["ANY /open"]["Properties"])

    def test_routes_of_one_function_share_an_integration(self) -> None:
        targets = {key: str(route["Properties"]["Target"]) for key, route in self.routes.items()}
        self.assertEqual(targets["GET /a/{id}"], targets["ANY /open"])
        self.assertNotEqual(targets["GET /a/{id}"], targets["GET /maybe"])

    def test_a_conditional_function_brings_its_condition_to_route_and_integration(self) -> None:
        route = self.routes["GET /maybe"]
        integration = route["Properties"]["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
        self.assertEqual(route["Condition"], "Wanted")
        self.assertEqual(self.resources[integration]["Condition"], "Wanted")

    def test_cors_keeps_camel_case_and_tags_stay(self) -> None:
        properties = self.resources["Api"]["Properties"]
        self.assertEqual(properties["CorsConfiguration"]["allowOrigins"], ["http://localhost:5173"])
        self.assertEqual(properties["Tags"]["ms-custom-id"], "c0ffee00")

    def test_paths_that_differ_only_in_punctuation_do_not_overwrite_each_other(self) -> None:
        operation = {"x-amazon-apigateway-integration": {"uri": "u", "type": "aws_proxy"}}
        body = {"paths": {"/a-b": {"get": operation}, "/a/b": {"get": operation}, "/{ab}": {"get": operation}}}
        self.assertEqual(len(routes(expand_http_apis(api(body))["Resources"])), 3)


class Refusal(unittest.TestCase):
    def test_an_authorizer_that_is_not_declared_is_refused(self) -> None:
        integration = {"uri": "u", "type": "aws_proxy"}
        operation = {"x-amazon-apigateway-integration": integration, "security": [{"Gone": []}]}
        with self.assertRaisesRegex(UnsupportedBody, "Gone"):
            expand_http_apis(api({"paths": {"/a": {"get": operation}}}))

    def test_a_route_without_an_integration_is_refused(self) -> None:
        with self.assertRaisesRegex(UnsupportedBody, "/a"):
            expand_http_apis(api({"paths": {"/a": {"get": {}}}}))

    def test_an_alternative_to_a_route_is_refused(self) -> None:
        with self.assertRaisesRegex(UnsupportedBody, "alternative"):
            expand_http_apis(api({"paths": {"/a": {"Fn::If": ["C", {"get": {}}, {"put": {}}]}}}))

    def test_a_template_without_an_http_api_is_left_as_it_is(self) -> None:
        template = {
            "Resources": {"Socket": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET"}}}
        }
        before = repr(template)
        self.assertEqual(repr(expand_http_apis(template)), before)


def api(body: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body}}}}

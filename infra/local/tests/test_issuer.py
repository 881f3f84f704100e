"""Tokens of the development issuer verify with the keys that it publishes, and with no others."""

import base64
import http.client
import json
import stat
import tempfile
import unittest
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from issuer import ALGORITHMS, MAX_KEYS, MAX_REQUEST_BYTES, BadRequest, Issuer, Keys, serve

ASK = {"tenant": "acme", "user": "ann", "role": "admin"}


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(decode(text), "big")


def verify(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """The claims of a token; raises `InvalidSignature`, or `StopIteration` when its key is not published."""
    head, claims, signature = token.split(".")
    kid = json.loads(decode(head))["kid"]
    key = next(key for key in jwks["keys"] if key["kid"] == kid)
    message = f"{head}.{claims}".encode()
    if key["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
        public.verify(decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
    else:
        raw = decode(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        public = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP256R1()).public_key()
        public.verify(der, message, ec.ECDSA(hashes.SHA256()))
    return json.loads(decode(claims))


class Tokens(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "keys.json"
        self.issuer = Issuer(Keys(self.path), "http://127.0.0.1:4567")

    def token(self, **more: Any) -> str:
        return self.issuer.token({**ASK, **more}, now=1_000_000)["access_token"]

    def test_a_token_of_either_algorithm_verifies_and_says_who_it_is_for(self) -> None:
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                claims = verify(self.token(alg=algorithm), self.issuer.keys.jwks())
                self.assertEqual((claims["tenant_id"], claims["sub"], claims["role"]), ("acme", "ann", "admin"))
                self.assertEqual((claims["iss"], claims["aud"]), ("http://127.0.0.1:4567", "romashka"))
                self.assertEqual((claims["iat"], claims["nbf"], claims["exp"]), (1_000_000, 1_000_000, 1_003_600))

    def test_a_changed_token_does_not_verify(self) -> None:
        head, claims, signature = self.token().split(".")
        forged = claims[:-2] + ("A" if claims[-2] != "A" else "B") + claims[-1]
        with self.assertRaises(InvalidSignature):
            verify(f"{head}.{forged}.{signature}", self.issuer.keys.jwks())

    def test_older_tokens_stay_valid_after_a_rotation_and_new_ones_use_the_new_key(self) -> None:
        old = self.token()
        kid = self.issuer.keys.rotate()["RS256"]
        new = self.token()
        self.assertEqual(json.loads(decode(new.split(".")[0]))["kid"], kid)
        for token in (old, new):
            verify(token, self.issuer.keys.jwks())

    def test_rotations_without_end_do_not_fill_the_key_set(self) -> None:
        pair = self.issuer.keys._keys[:2]
        self.issuer.keys._keys = pair * (MAX_KEYS // 2)
        self.issuer.keys.rotate()
        self.assertEqual(len(self.issuer.keys.jwks()["keys"]), MAX_KEYS)

    def test_keys_outlive_a_restart_in_a_file_that_only_the_owner_reads(self) -> None:
        token = self.token()
        verify(token, Keys(self.path).jwks())
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_claims_can_be_overridden_and_removed(self) -> None:
        claims = verify(self.token(claims={"aud": "other", "exp": None, "team": 7}), self.issuer.keys.jwks())
        self.assertEqual((claims["aud"], claims["team"], "exp" in claims), ("other", 7, False))

    def test_a_token_can_be_born_expired(self) -> None:
        self.assertEqual(verify(self.token(ttl_seconds=-60), self.issuer.keys.jwks())["exp"], 999_940)

    def test_a_wrong_request_says_which_member_is_wrong(self) -> None:
        for wrong, member in (
            ({"tenant": ""}, "tenant"),
            ({"user": 3}, "user"),
            ({"alg": "none"}, "alg"),
            ({"ttl_seconds": True}, "ttl_seconds"),
            ({"ttl_seconds": 10**9}, "ttl_seconds"),
            ({"claims": []}, "claims"),
            ({"tenent": "x"}, "tenent"),
        ):
            with self.subTest(wrong), self.assertRaisesRegex(BadRequest, member):
                self.token(**wrong)


class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.issuer = Issuer(Keys(Path(cls.folder.name) / "keys.json"), "http://here")
        cls.server = serve(cls.issuer, "127.0.0.1", 0)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.shutdown()
        cls.server.server_close()
        cls.folder.cleanup()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection(*self.server.server_address, timeout=5)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None, answer.headers

    def test_discovery_leads_to_keys_that_verify_a_token(self) -> None:
        _, found, _ = self.ask("GET", "/.well-known/openid-configuration")
        self.assertEqual(found["jwks_uri"], "http://here/.well-known/jwks.json")
        _, jwks, _ = self.ask("GET", "/.well-known/jwks.json")
        status, answer, headers = self.ask("POST", "/token", json.dumps(ASK).encode())
        self.assertEqual((status, answer["token_type"], answer["expires_in"]), (200, "Bearer", 3600))
        self.assertEqual(headers["access-control-allow-origin"], "*")
        verify(answer["access_token"], jwks)

    def test_the_console_may_ask_from_another_origin(self) -> None:
        status, _, headers = self.ask("OPTIONS", "/token")
        self.assertEqual(status, 204)
        self.assertIn("content-type", headers["access-control-allow-headers"])

    def test_a_body_that_is_too_large_is_refused_unread(self) -> None:
        status, answer, _ = self.ask("POST", "/token", b"", **{"content-length": str(MAX_REQUEST_BYTES + 1)})
        self.assertEqual((status, answer["error"]), (400, "invalid_request"))

    def test_a_body_that_is_not_an_object_is_refused(self) -> None:
        for body in (b"[]", b"{", b"[" * 10_000, b"\xff"):
            with self.subTest(body[:10]):
                self.assertEqual(self.ask("POST", "/token", body)[0], 400)

    def test_private_halves_are_never_published(self) -> None:
        _, jwks, _ = self.ask("GET", "/.well-known/jwks.json")
        for key in jwks["keys"]:
            self.assertLessEqual(set(key), {"kid", "alg", "use", "kty", "n", "e", "crv", "x", "y"})

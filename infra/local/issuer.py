"""A token issuer for development: hands a signed token to whoever asks, for any tenant, user and role.

It stands where Cognito, Auth0, Keycloak or Supabase stand in production, so that a laptop runs the real path:
discovery, JWKS, signatures, expiry, rotation. It must never be reachable from another machine.

    GET  /.well-known/openid-configuration
    GET  /.well-known/jwks.json
    POST /token          {tenant, user, role, alg?, ttl_seconds?, claims?}  ->  {access_token, token_type, expires_in}
    POST /keys/rotate    ->  {kid: {RS256, ES256}}; older keys stay in the JWKS, so older tokens stay valid

`claims` overrides any claim, and null removes one: a test makes its expired, early, foreign or malformed token.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

AUDIENCE = "romashka"
ALGORITHMS = ("RS256", "ES256")
DEFAULT_TTL_SECONDS = 3600
MAX_TTL_SECONDS = 30 * 24 * 3600
MAX_REQUEST_BYTES = 16 * 1024
MAX_KEYS = 32

_MEMBERS = {"tenant", "user", "role", "alg", "ttl_seconds", "claims"}


class BadRequest(ValueError):
    """The request cannot be answered; the message says which member is wrong."""


class Keys:
    """The signing keys, one pair of algorithms for each rotation, oldest first; kept in a file only the owner reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._keys: list[tuple[str, str, Any]] = []
        if path.exists():
            for entry in json.loads(path.read_text()):
                private = serialization.load_pem_private_key(entry["pem"].encode(), password=None)
                self._keys.append((entry["kid"], entry["alg"], private))
        else:
            self.rotate()

    def rotate(self) -> dict[str, str]:
        """Makes a new key for each algorithm and returns their ids; the oldest beyond `MAX_KEYS` are forgotten."""
        fresh = [
            (secrets.token_hex(8), "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            (secrets.token_hex(8), "ES256", ec.generate_private_key(ec.SECP256R1())),
        ]
        with self._lock:
            self._keys = (self._keys + fresh)[-MAX_KEYS:]
            self._write()
        return {algorithm: kid for kid, algorithm, _ in fresh}

    def _write(self) -> None:
        entries = [{"kid": kid, "alg": algorithm, "pem": _pem(private)} for kid, algorithm, private in self._keys]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(entries, file)
        temporary.replace(self._path)

    def newest(self, algorithm: str) -> tuple[str, Any]:
        with self._lock:
            return next((kid, private) for kid, each, private in reversed(self._keys) if each == algorithm)

    def jwks(self) -> dict[str, Any]:
        """The public halves (RFC 7517)."""
        with self._lock:
            return {"keys": [_jwk(kid, algorithm, private.public_key()) for kid, algorithm, private in self._keys]}


class Issuer:
    """Makes tokens (RFC 7519) with the newest keys."""

    def __init__(self, keys: Keys, url: str) -> None:
        self.keys = keys
        self.url = url

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/.well-known/jwks.json",
            "token_endpoint": f"{self.url}/token",
            "id_token_signing_alg_values_supported": list(ALGORITHMS),
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "romashka_notice": "development only: signs any claim for anybody",
        }

    def token(self, request: dict[str, Any], now: float | None = None) -> dict[str, Any]:
        """Raises `BadRequest`. `now` is in seconds since 1970."""
        if unknown := set(request) - _MEMBERS:
            raise BadRequest(f"unknown member {min(unknown)}; known are {', '.join(sorted(_MEMBERS))}")
        for member in ("tenant", "user", "role"):
            if not isinstance(request.get(member), str) or not request[member]:
                raise BadRequest(f"{member} must be a text")
        algorithm = request.get("alg", "RS256")
        if algorithm not in ALGORITHMS:
            raise BadRequest(f"alg must be one of {', '.join(ALGORITHMS)}")
        ttl_seconds = request.get("ttl_seconds", DEFAULT_TTL_SECONDS)
        if type(ttl_seconds) is not int or not -MAX_TTL_SECONDS <= ttl_seconds <= MAX_TTL_SECONDS:
            raise BadRequest(f"ttl_seconds must be a whole number within {MAX_TTL_SECONDS} of zero")
        overrides = request.get("claims", {})
        if not isinstance(overrides, dict):
            raise BadRequest("claims must be an object")

        issued = int(time.time() if now is None else now)
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": request["user"],
            "tenant_id": request["tenant"],
            "role": request["role"],
            "iat": issued,
            "nbf": issued,
            "exp": issued + ttl_seconds,
            "jti": secrets.token_hex(16),
        }
        claims = {name: value for name, value in {**claims, **overrides}.items() if value is not None}
        kid, private = self.keys.newest(algorithm)
        head = {"alg": algorithm, "typ": "JWT", "kid": kid}
        signed = f"{_base64(json.dumps(head).encode())}.{_base64(json.dumps(claims).encode())}"
        token = f"{signed}.{_base64(_signature(algorithm, private, signed.encode()))}"
        return {"access_token": token, "token_type": "Bearer", "expires_in": ttl_seconds}


def serve(issuer: Issuer, host: str, port: int) -> ThreadingHTTPServer:
    """Listens at once and serves on a thread of its own; `shutdown()` and `server_close()` end it."""

    class Handler(_Handler):
        pass

    Handler.issuer = issuer
    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True, name="issuer").start()
    return server


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_OPTIONS(self) -> None:
        self._answer(204, None)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/.well-known/openid-configuration":
            return self._answer(200, self.issuer.configuration())
        if path == "/.well-known/jwks.json":
            return self._answer(200, self.issuer.keys.jwks())
        return self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        try:
            request = self._read()
            path = self.path.partition("?")[0]
            if path == "/token":
                return self._answer(200, self.issuer.token(request))
            if path == "/keys/rotate":
                return self._answer(200, {"kid": self.issuer.keys.rotate()})
            return self._answer(404, {"error": "not_found"})
        except BadRequest as error:
            self.close_connection = True  # Part of the body may be unread.
            return self._answer(400, {"error": "invalid_request", "error_description": str(error)})

    def _read(self) -> dict[str, Any]:
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES or "transfer-encoding" in self.headers:
            raise BadRequest(f"send a content-length of at most {MAX_REQUEST_BYTES} bytes")
        try:
            request = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError) as error:
            raise BadRequest("the body must be JSON") from error
        if not isinstance(request, dict):
            raise BadRequest("the body must be an object")
        return request

    def _answer(self, status: int, content: Any) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("access-control-allow-origin", "*")
        self.send_header("access-control-allow-methods", "GET, POST, OPTIONS")
        self.send_header("access-control-allow-headers", "content-type")
        self.send_header("cache-control", "no-store")
        if content is not None:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: the functions' own logs tell about tokens that were refused."""


def _pem(private: Any) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _signature(algorithm: str, private: Any, message: bytes) -> bytes:
    if algorithm == "RS256":
        return private.sign(message, padding.PKCS1v15(), hashes.SHA256())
    # RFC 7518, 3.4: the two numbers side by side, 32 bytes each, not DER.
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _jwk(kid: str, algorithm: str, public: Any) -> dict[str, str]:
    numbers = public.public_numbers()
    common = {"kid": kid, "alg": algorithm, "use": "sig"}
    if algorithm == "RS256":
        return {**common, "kty": "RSA", "n": _number(numbers.n, 256), "e": _number(numbers.e, 3)}
    return {**common, "kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}


def _number(value: int, length: int) -> str:
    return _base64(value.to_bytes(length, "big"))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

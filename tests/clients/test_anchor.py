"""Our bad messages, sent to somebody else's FAPI 2.0 server: npm oidc-provider refuses them too.

So the cases are not shaped by our own server. Where the two differ the difference stands here with
its reason, and is checked as well. Guide: security.md section 14.
"""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from joserfc.jwk import ECKey
from tests.clients.bad_messages import (
    ASSERTIONS,
    PROOFS,
    REQUESTS,
    SELF,
    by_assertion,
    by_proof,
    by_request,
    refusal,
)
from tests.clients.handmade import HandMade
from tests.clients.oauth import HERE, Library, packages
from tests.platform import free_port

pytestmark = pytest.mark.sdk

CLIENT = "app_anchor"
# What only we refuse: our limits on life, age and size, and the clock on both sides.
TAKEN_THERE = {
    "exp an hour ahead": "five minutes are our limit, there is none there",
    "exp just passed": "fifteen seconds of tolerance there",
    "iat far ahead": "not looked at there; FAPI 2.0 5.3.2.1 sets the limit",
    "jti too long": "no limit there",
    "old": "with a nonce the age of a proof is not looked at there",
    "far ahead": "the same",
    "more than 8 kB": "no limit there",
    "an unknown scope": "left out of the grant there",
    "a client_secret": "ignored beside an assertion there",
}
# The same refusal by another name.
NAMED_THERE = {
    "the hybrid flow": "invalid_request",
    "a request_uri": "request_uri_not_supported",
}


@pytest.fixture(scope="module")
def anchor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HandMade]:
    """Our hand-made client, registered with the other server."""
    key = ECKey.generate_key("P-256", {"kid": "client"})
    own = ECKey.generate_key("P-256", {"kid": "server", "alg": "ES256", "use": "sig"})
    file = tmp_path_factory.mktemp("anchor") / "client.jwk"
    file.write_text(json.dumps(key.as_dict(private=True)))
    given = {
        "port": free_port(),
        "client_id": CLIENT,
        "redirect_uris": [SELF],
        "jwks": {"keys": [{**key.as_dict(private=False), "alg": "ES256"}]},
        "key": own.as_dict(private=True),
    }
    folder = packages(HERE / "anchor")
    server = subprocess.Popen(
        ["node", str(HERE / "anchor" / "anchor.mjs")],
        env={**os.environ, "SDK_FOLDER": folder, "GIVEN": json.dumps(given)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    if server.stdout.readline() != "ready\n":
        pytest.skip("npm oidc-provider does not run on this node")
    library = Library(f"http://127.0.0.1:{given['port']}")
    facts = {
        "client_id": CLIENT,
        "redirect_uris": [SELF],
        "private_jwk_file": str(file),
        "alg": "ES256",
    }
    client = HandMade(library, library.issuer, facts)
    client.ask_nonce()
    yield client
    library.close()
    server.stdin.close()
    server.wait(timeout=30)


def test_the_other_server_takes_what_is_right(anchor: HandMade) -> None:
    pushed = anchor.post("/oauth/par", anchor.form(**anchor.request()[0]))
    asked = anchor.form(grant_type="client_credentials", scope="accounts")
    issued = anchor.post("/oauth/token", asked)

    assert pushed.status_code == 201
    assert issued.status_code == 200
    assert issued.json()["token_type"] == "DPoP"


@pytest.mark.parametrize("case", ASSERTIONS)
def test_a_wrong_assertion_is_refused_there_too(anchor: HandMade, case: str) -> None:
    answer = by_assertion(anchor, case)

    if case in TAKEN_THERE:
        assert answer.status_code == 201
    else:
        assert refusal(answer) == (401, "invalid_client")


@pytest.mark.parametrize("case", [each for each in PROOFS if each != "jti too long"])
def test_a_wrong_proof_is_refused_there_too(anchor: HandMade, case: str) -> None:
    answer = by_proof(anchor, case)

    if case in TAKEN_THERE:
        assert answer.status_code == 200
    else:
        assert refusal(answer) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("case", REQUESTS)
def test_a_wrong_request_is_refused_there_too(anchor: HandMade, case: str) -> None:
    answer = by_request(anchor, case)

    if case in TAKEN_THERE:
        assert answer.status_code == 201
    else:
        error = NAMED_THERE.get(case, REQUESTS[case][1])
        assert refusal(answer) == (401 if error == "invalid_client" else 400, error)

"""Everything bad a partner can send, and what each dialect answers to it.

The codes come from the dialects' own tables: native ``status code``, ICBC-style ``return_code``,
Alipay-style v2 ``code sub_code``, v3 ``status code``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.journeys.dialects import Dialect, Wish

# No operation takes more; the server refuses it before it is read.
OVERSIZED = b'{"subject":"' + b"x" * (1 << 20) + b'"}'
NESTED = b'{"subject":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The code of a refusal on each wire; ``but`` names dialects that see something else first."""

    native: str
    icbc: str
    alipay: str
    alipay3: str
    but: Mapping[str, str] = field(default_factory=dict)

    def of(self, dialect: Dialect) -> str:
        """The code this dialect answers."""
        code: str = getattr(self, dialect.wire)
        return self.but.get(dialect.name, code)


FORGED = Expected(
    native="401 signature.invalid",
    icbc="400017",
    alipay="40002 isv.invalid-signature",
    alipay3="401 invalid-signature",
)
UNREADABLE = Expected(
    native="400 body.malformed",
    icbc="400011",
    alipay="40002 isv.invalid-parameter",
    alipay3="400 invalid-parameter",
)
FIELD_BAD = Expected(
    native="422 request.invalid",
    icbc="400011",
    alipay="40004 ACQ.INVALID_PARAMETER",
    alipay3="400 INVALID_PARAMETER",
)
STALE = Expected(
    native="401 signature.stale",
    icbc="400011",
    alipay="40002 isv.invalid-timestamp",
    alipay3="401 invalid-timestamp",
)

# Kind -> what is sent and what is answered. None of them proves who calls.
UNPROVEN: dict[str, tuple[Wish, Expected]] = {
    "signed by another key": (Wish(forged=True), FORGED),
    "changed on the way": (
        Wish(altered=True),
        Expected(
            native="401 signature.digest_mismatch",
            icbc=FORGED.icbc,
            alipay=FORGED.alipay,
            alipay3=FORGED.alipay3,
        ),
    ),
    "not signed": (
        Wish(unsigned=True),
        Expected(
            native="401 signature.missing",
            icbc="400017",
            alipay="40001 isv.missing-signature",
            alipay3="401 missing-signature",
        ),
    ),
    "an algorithm the key is not registered for": (
        Wish(other_algorithm=True),
        Expected(
            native="401 signature.algorithm_mismatch",
            icbc=FORGED.icbc,
            alipay=FORGED.alipay,
            alipay3=FORGED.alipay3,
        ),
    ),
    "an operation nobody has": (
        Wish(operation="unknown"),
        Expected(
            native="404 route.not_found",
            icbc="500018",
            alipay="40002 isv.invalid-method",
            alipay3="404 invalid-method",
        ),
    ),
    "a clock that is late": (Wish(age=700), STALE),
    "a clock that is ahead": (Wish(age=-700), STALE),
    "a body longer than any operation takes": (
        Wish(content=OVERSIZED),
        Expected(
            native="413 http.body_too_large",
            icbc="400011",
            alipay="40002 isv.invalid-parameter",
            alipay3="400 invalid-parameter",
        ),
    ),
}

# Kind -> the same, from a caller whose signature is right.
PROVEN: dict[str, tuple[Wish, Expected]] = {
    "a tenant token nobody gave out": (
        Wish(token="nobody-s-token"),
        Expected(
            native="401 tenant.token_unknown",
            icbc="400019",
            alipay="20001 aop.invalid-app-auth-token",
            alipay3="401 invalid-app-auth-token",
        ),
    ),
    "an operation nobody contracted for": (
        Wish(operation="unbought"),
        Expected(
            native="403 subscription.missing",
            icbc="400019",
            alipay="40002 isv.invalid-method",
            alipay3="404 invalid-method",
        ),
    ),
    "an order that is not there": (
        Wish(operation="ask"),
        Expected(
            native="404 order.not_found",
            icbc="600404",
            alipay="40004 ACQ.TRADE_NOT_EXIST",
            alipay3="404 TRADE_NOT_EXIST",
        ),
    ),
    "no key to repeat by": (
        Wish(keyless=True),
        Expected(
            native="400 idempotency.key_missing",
            icbc="400011",
            alipay=FIELD_BAD.alipay,
            alipay3=FIELD_BAD.alipay3,
        ),
    ),
    "content that is no JSON": (Wish(content=b'{"amount":'), UNREADABLE),
    "content that is no object": (
        Wish(content=b"[]"),
        Expected(
            native="400 body.not_object",
            icbc=UNREADABLE.icbc,
            alipay=UNREADABLE.alipay,
            alipay3=UNREADABLE.alipay3,
        ),
    ),
    "no content at all": (
        Wish(content=b""),
        Expected(
            native=FIELD_BAD.native,
            icbc=FIELD_BAD.icbc,
            alipay=FIELD_BAD.alipay,
            alipay3=FIELD_BAD.alipay3,
            # Nothing, encrypted, is something: a block of padding that holds no JSON.
            but={"alipay rsa-sha256 aes": UNREADABLE.alipay},
        ),
    ),
    "content nested a hundred thousand deep": (Wish(content=NESTED), UNREADABLE),
    "an escaped NUL": (Wish(fields={"subject": "a\0b"}), UNREADABLE),
    "a raw NUL": (Wish(content=b'{"subject":"a\0b"}'), UNREADABLE),
    "bytes that are no UTF-8": (Wish(content=b'{"subject":"\xff\xfe"}'), UNREADABLE),
    "half a surrogate pair": (Wish(content=b'{"subject":"\\ud800"}'), UNREADABLE),
    "a parameter twice": (
        Wish(twice=True),
        Expected(
            native="400 query.malformed",
            icbc="400011",
            alipay="40002 isv.invalid-parameter",
            alipay3="401 invalid-signature",
        ),
    ),
    "another content type": (
        Wish(media="text/xml"),
        Expected(
            native="415 body.media_type",
            icbc="400011",
            alipay="40002 isv.invalid-parameter",
            alipay3="400 invalid-parameter",
        ),
    ),
    "no merchant of the caller's": (
        Wish(fields={"merchant": "mch_00000000000000000000000000"}),
        Expected(
            native="422 merchant.not_found",
            icbc="400011",
            alipay="40004 ACQ.SELLER_NOT_EXIST",
            alipay3="400 SELLER_NOT_EXIST",
        ),
    ),
    "a payment code nobody shows": (
        Wish(fields={"payer_token": "289999999999999999"}),
        Expected(
            native="422 payer_token.unknown",
            icbc="400011",
            alipay="40004 ACQ.PAYMENT_AUTH_CODE_INVALID",
            alipay3="400 PAYMENT_AUTH_CODE_INVALID",
        ),
    ),
    "more than the payer has": (
        Wish(fields={"amount": "999999.99"}),
        Expected(
            native="409 limit.per_transaction_exceeded",
            icbc="600409",
            alipay="40004 ACQ.TOTAL_FEE_EXCEED",
            alipay3="400 TOTAL_FEE_EXCEED",
        ),
    ),
    **{
        f"an amount written {amount[:12]!r}": (Wish(fields={"amount": amount}), FIELD_BAD)
        for amount in (
            "1.005", "1e3", "-1.00", "+1.00", "0.00", " 1.00", "1.00 ", "１.00", "1,00", "0x1",
            "1.", "", "NaN", "99999999999999.99", "9" * 500_000,
        )
    },
}  # fmt: skip

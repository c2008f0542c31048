"""Encodings of a shared secret that are mistaken for the secret itself."""

from base64 import b64encode, urlsafe_b64encode

ENCODINGS = {
    "base64": "the Base64 text of the secret as the key",
    "base64url": "the URL-safe Base64 text of the secret as the key",
    "hex": "the hexadecimal text of the secret as the key",
    "base64 and a line feed": "the Base64 text of the secret with a line feed as the key",
}


def as_text(secret: bytes, encoding: str) -> bytes:
    """The secret in a named encoding, as bytes of text."""
    if encoding == "hex":
        return secret.hex().encode()
    if encoding == "base64url":
        return urlsafe_b64encode(secret).rstrip(b"=")
    text = b64encode(secret)
    return text + b"\n" if encoding.endswith("line feed") else text

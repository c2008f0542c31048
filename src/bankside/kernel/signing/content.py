"""Encrypted business content of the form wires: AES in CBC mode with PKCS#5 padding.

Always true: the initial vector is 16 zero bytes, because the dialects say so; their order is
encrypt, then sign, so that only ciphertext whose signature verified is ever opened. Keys and
ciphertext cross the wire as base64. SM4 is not built yet.
Source: the ICBC-style and Alipay-style public rules (AES/CBC/PKCS5Padding).
"""

import base64
import binascii

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bankside.kernel.errors import Invalid

AES_KEY_BYTES = (16, 24, 32)
_BLOCK_BITS = 128
_IV = bytes(_BLOCK_BITS // 8)


class ContentUnreadable(Invalid):
    """The encrypted content does not open under the app's content key."""

    code = "content.unreadable"
    status = 400


def encrypt(content: bytes, key: bytes) -> str:
    """The base64 text that stands on the wire for ``content``; ``key`` has 16, 24 or 32 bytes."""
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(text: str, key: bytes) -> bytes:
    """The content behind the base64 ``text``, or ContentUnreadable (one answer for every fault)."""
    try:
        decryptor = _cipher(key).decryptor()
        sealed = base64.b64decode(text, validate=True)
        padded = decryptor.update(sealed) + decryptor.finalize()
        unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except (ValueError, binascii.Error) as error:
        raise ContentUnreadable from error


def _cipher(key: bytes) -> "Cipher[modes.CBC]":
    return Cipher(algorithms.AES(key), modes.CBC(_IV))

"""The wire's own cryptography: signatures and AES as the official encryption page defines them, written from that page alone."""

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # the page pads to 32 bytes although AES blocks have 16


class Unreadable(Exception):
    """The sealed text was not sealed by someone who holds the token and the key of this account."""


class Envelope:
    """Signs, seals and opens for one account. `sealed` is the text of an `<Encrypt>` element."""

    def __init__(self, token: str, aes_key: str, app_id: str) -> None:
        self._token = token
        self._key = base64.b64decode(aes_key + "=")
        self._app_id = app_id.encode()

    def signature(self, timestamp: str, nonce: str, *sealed: str) -> str:
        """The hex digest for `signature` (without a sealed text) or `msg_signature` (with it)."""
        return hashlib.sha1("".join(sorted([self._token, timestamp, nonce, *sealed])).encode()).hexdigest()  # noqa: S324  the protocol's choice

    def seal(self, text: str) -> str:
        """The text as only this account can read it; no two seals of one text are alike."""
        message = text.encode()
        plain = os.urandom(16) + len(message).to_bytes(4, "big") + message + self._app_id
        pad = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()

    def open(self, sealed: str) -> str:
        """The text inside. Raises Unreadable for anything that is damaged or meant for another account."""
        try:
            decryptor = self._cipher().decryptor()
            padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        except ValueError as error:
            raise Unreadable("the Encrypt element is not base64 of whole AES blocks") from error
        if not padded or not 1 <= padded[-1] <= BLOCK:
            raise Unreadable("the padding is wrong: sealed with another EncodingAESKey?")
        plain = padded[16 : -padded[-1]]
        length = int.from_bytes(plain[:4], "big")
        message, app_id = plain[4 : 4 + length], plain[4 + length :]
        if app_id != self._app_id:
            raise Unreadable("the app id inside is not this account's")
        try:
            return message.decode()
        except UnicodeDecodeError as error:
            raise Unreadable("the message inside is not UTF-8") from error

    def is_signed(self, given: str, timestamp: str, nonce: str, sealed: str) -> bool:
        """Whether `given` is the msg_signature of this sealed text."""
        return hmac.compare_digest(given.encode(), self.signature(timestamp, nonce, sealed).encode())

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))

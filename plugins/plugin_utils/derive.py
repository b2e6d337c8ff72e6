# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``provisioning_secret`` derives: tokens, credentials and passwords of each phone, and keys for digests.

Every value is an HMAC-SHA256 over a purpose label, the MAC and a generation, so nothing has to be stored, a pipeline that starts from an
empty runner derives the same values, and knowing one value tells nothing about another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

REALM = "dialtone"
# Characters of a derived HTTP password, and the fewest that still carry enough: 80 bits.
HTTP_PASSWORD = 26
HTTP_PASSWORD_LEAST = 16
MINIMUM_BYTES = 32
_HEX = re.compile(r"\A[0-9a-fA-F]+\Z")
_BASE64 = re.compile(r"\A[A-Za-z0-9+/_-]+={0,2}\Z")
# No digit or letter that a person confuses with another when reading it off a screen: no 0 O, 1 l I.
_READABLE = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


class SecretError(ValueError):
    """The secret is missing or too weak to derive from; the message never holds it."""


def secret_bytes(text: object, name: str = "provisioning_secret") -> bytes:
    """Return the secret as key material.

    The length is counted in what the text can carry at best: two hex digits or 1.33 base64 characters a byte, else one byte a character.

    :param text: the vaulted value.
    :param name: the variable, for the message.
    :raises SecretError: missing, not text, under 32 bytes, or a repetition of a few characters.
    """
    advice = "make one with: openssl rand -hex 32"
    if text is None or text == "":
        raise SecretError(f"{name}: is not set; at least {MINIMUM_BYTES} random bytes are wanted ({advice})")
    if not isinstance(text, str):
        raise SecretError(f"{name}: is a {type(text).__name__}; a string of at least {MINIMUM_BYTES} random bytes is wanted ({advice})")
    value = text.strip()
    if _HEX.match(value):
        size = len(value) // 2
    elif _BASE64.match(value):
        size = len(value.rstrip("=")) * 3 // 4
    else:
        size = len(value.encode())
    if size < MINIMUM_BYTES:
        raise SecretError(f"{name}: carries at most {size} bytes; at least {MINIMUM_BYTES} random bytes are wanted ({advice})")
    if len(set(value)) < 8:
        raise SecretError(f"{name}: repeats {len(set(value))} characters; at least {MINIMUM_BYTES} random bytes are wanted ({advice})")
    return value.encode()


class Deriver:
    """Derives every per-phone value from one secret."""

    def __init__(self, secret: str, name: str = "provisioning_secret") -> None:
        # HMAC's key schedule is the same for every value: done once, copied per value.
        self._base = hmac.new(secret_bytes(secret, name), digestmod=hashlib.sha256)

    def _digest(self, purpose: str, *parts: object) -> bytes:
        mac = self._base.copy()
        mac.update("\x1f".join(("dialtone.phones", purpose, *map(str, parts))).encode())
        return mac.digest()

    def home_token(self, mac: str, generation: int) -> str:
        """Return the path token of the phone's own URL: 160 bits, lower-case hex."""
        return self._digest("home-token", mac, generation).hex()[:40]

    def http_user(self, mac: str, generation: int) -> str:
        """Return the phone's HTTP user: differs per generation, since a password file knows one password a user."""
        return "d" + self._digest("http-user", mac, generation).hex()[:12]

    def http_password(self, mac: str, generation: int, length: int = HTTP_PASSWORD) -> str:
        """Return the phone's HTTP password: lower-case base32, safe in URLs and in every vendor's value syntax.

        :param length: characters, five bits each; a vendor's phones may take fewer than the usual number (130 bits).
        """
        return base64.b32encode(self._digest("http-password", mac, generation)).decode().lower()[:length]

    def ssha(self, mac: str, generation: int, length: int = HTTP_PASSWORD) -> str:
        """Return the password as nginx reads it, with a derived salt so that the same phone gives the same file."""
        salt = self._digest("http-salt", mac, generation)[:8]
        password = self.http_password(mac, generation, length).encode()
        return "{SSHA}" + base64.b64encode(hashlib.sha1(password + salt).digest() + salt).decode()

    def ha1(self, mac: str, generation: int, algorithm: str = "md5", length: int = HTTP_PASSWORD) -> str:
        """Return HTTP Digest's HA1 (RFC 7616) of the phone's user and password, in our realm."""
        text = f"{self.http_user(mac, generation)}:{REALM}:{self.http_password(mac, generation, length)}"
        return hashlib.new(algorithm, text.encode()).hexdigest()

    def claim_token(self, mac: str, epoch: str, claim_generation: int) -> str:
        """Return the one-time token: bound to the store's epoch, so that an emptied store never re-arms a spent URL."""
        return self._digest("claim-token", mac, epoch, claim_generation).hex()[:40]

    def claim_pin(self, mac: str, epoch: str, claim_generation: int) -> str:
        """Return the eight-digit PIN that an installer may be asked to type for a claim."""
        return f"{int.from_bytes(self._digest('claim-pin', mac, epoch, claim_generation)[:8], 'big') % 10**8:08d}"

    def admin_password(self, mac: str, generation: int, digits: bool = False) -> str:
        """Return the password of the phone's web interface: 16 characters that can be read aloud, about 92 bits.

        :param digits: nine digits instead (30 bits, the first is no zero), for phones that know a password only as a number.
        """
        digest = self._digest("admin-password", mac, generation)
        number = int.from_bytes(digest, "big")
        if digits:
            return str(10**8 + number % (9 * 10**8))
        text = ""
        for _position in range(14):
            number, rest = divmod(number, len(_READABLE))
            text += _READABLE[rest]
        # Firmwares that want several character classes get them, wherever the draw fell.
        return text[:7] + "K" + text[7:] + "7"

    def key(self, purpose: str) -> bytes:
        """Return a key for digests that must not be guessable from the outside, such as those that let an unchanged phone be skipped."""
        return self._digest("key", purpose)

"""The installation's secret: 32 random bytes in the state folder, the key of every hash and token.

Laws of this file: the file is created whole or not at all, readable by its owner alone, and never replaced; who
loses it loses the link between learners and their counters, nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import stat
from pathlib import Path

logger = logging.getLogger("tropa.account")

SECRET_BYTES = 32


class SecretError(Exception):
    """The secret can't be used; the text tells the operator what to do."""


def installation_secret(state_dir: Path) -> bytes:
    """Read the secret of this installation, or create it at the first start.

    Raises: SecretError where the file can't be read, written or is damaged.
    """
    path = state_dir / "secret"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        raise SecretError(f"{path}: {error.strerror or error}; give Tropa's user the right to write there") from error


def _create(path: Path) -> None:
    draft = path.with_name(f".secret.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails where the name exists: of two processes that start together one secret wins.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        logger.warning("%s was readable by others (mode %o); now it is not", path, mode)
        path.chmod(0o600)
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise SecretError(f"{path}: not a secret; restore it from a backup, or delete it to start anew") from error
    if len(secret) != SECRET_BYTES:
        raise SecretError(f"{path}: {len(secret)} bytes instead of {SECRET_BYTES}; restore it from a backup")
    return secret


class Keyed:
    """Keyed hashes for separate purposes: the same input under two purposes gives unrelated digests.

    BLAKE2b (RFC 7693) with key and personalisation; a purpose has at most 16 ASCII characters.
    """

    __slots__ = ("_bases", "_secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("a secret of at least 16 bytes is needed")
        self._secret = secret[:64]
        self._bases: dict[tuple[str, int], hashlib.blake2b] = {}

    def digest(self, purpose: str, *parts: str, size_bytes: int = 12) -> bytes:
        """The digest of the parts, unambiguous in where one ends and the next begins."""
        base = self._bases.get((purpose, size_bytes))
        if base is None:
            base = hashlib.blake2b(digest_size=size_bytes, key=self._secret, person=purpose.encode("ascii"))
            self._bases[(purpose, size_bytes)] = base
        hashing = base.copy()
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            hashing.update(len(encoded).to_bytes(4, "big") + encoded)
        return hashing.digest()

    def learner(self, known_by: str, *parts: str) -> str:
        """A learner's id: 20 hex digits."""
        return self.digest("learner", known_by, *parts, size_bytes=10).hex()

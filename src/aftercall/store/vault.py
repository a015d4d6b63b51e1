"""This file keeps secrets unreadable at rest: passwords are sealed before they reach a table."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from aftercall.errors import SecretUnreadable, SettingInvalid


class Vault:
    """Seals with the first key, opens with any of them."""

    def __init__(self, keys: list[bytes], *, path: Path | None = None) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as exc:
            raise SettingInvalid(
                name="AFTERCALL_SECRET_KEY", value="(hidden)", expected="one or more Fernet keys, separated by commas"
            ) from exc
        self._where = str(path or "AFTERCALL_SECRET_KEY")

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises SecretUnreadable when no key fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as exc:
            raise SecretUnreadable(path=self._where) from exc

    def reseal(self, sealed: str) -> str:
        """The same secret under the newest key."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken as exc:
            raise SecretUnreadable(path=self._where) from exc


def open_vault(data: Path, secret_key: str | None) -> Vault:
    """Take the keys from the setting, else from a file of our own making in the data folder (mode 0600)."""
    if secret_key:
        return Vault([key.strip().encode() for key in secret_key.split(",") if key.strip()])
    path = data / "secret.key"
    try:
        # O_EXCL: of two processes that start at once, one makes the key and the other reads it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Vault(path.read_bytes().split(), path=path)
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return Vault(path.read_bytes().split(), path=path)

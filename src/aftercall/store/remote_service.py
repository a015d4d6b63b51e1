"""This file remembers the remote speech service, if the owner has named one; its key is sealed."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from aftercall.errors import SecretUnreadable
from aftercall.speech.engine import RemoteService
from aftercall.store import choices
from aftercall.store.vault import Vault

_NAME = "remote service"


def load(db: sa.Connection, vault: Vault) -> RemoteService | None:
    """The service with its key.

    Raises:
        SecretUnreadable: the key was sealed by another installation.
    """
    said: Mapping[str, Any] | None = choices.get(db, _NAME)
    if not said:
        return None
    sealed = said.get("key_sealed")
    rest = {name: value for name, value in said.items() if name != "key_sealed"}
    return RemoteService(**rest, key=vault.open(sealed) if sealed else "")


def described(db: sa.Connection) -> RemoteService | None:
    """The service without its key: enough to choose it, not to use it."""
    said: Mapping[str, Any] = choices.get(db, _NAME) or {}
    rest = {name: value for name, value in said.items() if name != "key_sealed"}
    return RemoteService(**rest) if rest else None


def load_or_described(db: sa.Connection, vault: Vault) -> RemoteService | None:
    """The service, without its key where that cannot be read: for forms, in which it can be entered again."""
    try:
        return load(db, vault)
    except SecretUnreadable:
        return described(db)


def save(db: sa.Connection, vault: Vault, service: RemoteService) -> None:
    choices.put(
        db,
        _NAME,
        {
            "url": service.url,
            "model": service.model,
            "timeout_s": service.timeout_s,
            "upload_limit_mb": service.upload_limit_mb,
            "is_in_auto": service.is_in_auto,
            "key_sealed": vault.seal(service.key) if service.key else None,
        },
    )


def remove(db: sa.Connection) -> None:
    """Nothing is sent there any more."""
    choices.remove(db, _NAME)

"""This file remembers which language model may be asked, and how much it may use; its key is sealed by the vault."""

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from aftercall.insight.llm import LOCAL_TIMEOUT_S, REMOTE_TIMEOUT_S, Endpoint, is_local
from aftercall.model import LlmMode
from aftercall.store import choices
from aftercall.store.vault import Vault

_NAME = "llm"


@dataclass(frozen=True, kw_only=True)
class LlmSettings:
    """As an administrator has set it; off until then."""

    #: The base address, `/v1` included where the server has it; "" for none.
    url: str = ""
    model: str = ""
    mode: LlmMode = "native"
    #: None for 120 s on the own network, 60 s elsewhere.
    timeout_s: float | None = None
    #: What the model can read and write at once.
    context_tokens: int = 8_192
    #: Tokens that one call, and all calls of a day (UTC), may use, both ways.
    call_cap: int = 20_000
    day_cap: int = 500_000
    is_enabled: bool = False
    #: A key is stored; the key itself leaves only with `endpoint`.
    has_key: bool = False

    def endpoint(self, key: str) -> Endpoint:
        """Where these settings lead."""
        return Endpoint(
            url=self.url,
            model=self.model,
            key=key,
            mode=self.mode,
            timeout_s=self.timeout_s or (LOCAL_TIMEOUT_S if is_local(self.url) else REMOTE_TIMEOUT_S),
            context_tokens=self.context_tokens,
            call_cap=self.call_cap,
        )


def load(db: sa.Connection) -> LlmSettings:
    said: dict[str, Any] = dict(choices.get(db, _NAME) or {})
    return LlmSettings(has_key=bool(said.pop("key_sealed", None)), **said)


def save(db: sa.Connection, chosen: LlmSettings, vault: Vault, *, key: str | None) -> None:
    """Store the settings.

    Args:
        key: None keeps the stored one, but never for another server: that would hand it over.
    """
    before = choices.get(db, _NAME) or {}
    sealed = before.get("key_sealed") if is_same_server(before.get("url", ""), chosen.url) else None
    if key is not None:
        sealed = vault.seal(key) if key else None
    kept = {name: value for name, value in asdict(chosen).items() if name != "has_key"}
    choices.put(db, _NAME, {**kept, "key_sealed": sealed})


def key_for(db: sa.Connection, url: str, vault: Vault) -> str:
    """The stored key, "" if there is none or it belongs to another server than this address'."""
    said = choices.get(db, _NAME) or {}
    sealed = said.get("key_sealed")
    return vault.open(sealed) if sealed and is_same_server(said.get("url", ""), url) else ""


def is_same_server(url: str, other: str) -> bool:
    """Whether two addresses lead to the same server."""
    one, two = urlsplit(url), urlsplit(other)
    return (one.scheme, one.netloc) == (two.scheme, two.netloc)


def endpoint(db: sa.Connection, vault: Vault) -> Endpoint | None:
    """Where a call is to be sent; None while the language model is off."""
    stored = load(db)
    return stored.endpoint(key_for(db, stored.url, vault)) if stored.is_enabled else None

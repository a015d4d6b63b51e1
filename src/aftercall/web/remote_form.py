"""This file reads the form of Settings > Speech > Remote service: what was entered, and what is wrong with it; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aftercall.speech.engine import RemoteService
from aftercall.store.llm_settings import is_same_server

USUAL = RemoteService(url="", model="")
LONGEST_TIMEOUT_S = 3600.0
LARGEST_UPLOAD_MB = 1000.0


@dataclass(frozen=True, kw_only=True)
class RemoteForm:
    """What was entered; the key is never shown again."""

    url: str
    model: str
    key: str
    timeout_s: str
    upload_limit_mb: str
    is_in_auto: bool
    #: A key is stored: an empty field keeps it.
    has_key: bool
    problems: Mapping[str, str] = field(default_factory=dict)


def filled_in(stored: RemoteService | None) -> RemoteForm:
    """The form for what is stored, or for a new service."""
    shown = stored or USUAL
    return RemoteForm(
        url=shown.url,
        model=shown.model,
        key="",
        timeout_s=f"{shown.timeout_s:g}",
        upload_limit_mb=f"{shown.upload_limit_mb:g}",
        is_in_auto=shown.is_in_auto,
        has_key=bool(shown.key),
    )


def read(sent: Mapping[str, str], stored: RemoteService | None) -> RemoteForm:
    """What was sent, with what is wrong."""
    entered = {name: sent.get(name, "").strip() for name in ("url", "model", "key", "timeout_s", "upload_limit_mb")}
    problems = {}
    if not _is_address(entered["url"]):
        problems["url"] = (
            "Enter the service's address as far as /v1, such as http://192.0.2.7:8000/v1; "
            "a key goes into its own field."
        )
    if not entered["model"] or len(entered["model"]) > 160:
        problems["model"] = "Enter the name of the model as the service knows it, such as whisper-1."
    if not (entered["key"].isascii() and entered["key"].isprintable()) or len(entered["key"]) > 500:
        problems["key"] = "A key holds only plain letters, digits and signs."
    if not _is_number(entered["timeout_s"], 1, LONGEST_TIMEOUT_S):
        problems["timeout_s"] = f"Enter a number from 1 to {LONGEST_TIMEOUT_S:g}."
    if not _is_number(entered["upload_limit_mb"], 0.1, LARGEST_UPLOAD_MB):
        problems["upload_limit_mb"] = f"Enter a number from 0.1 to {LARGEST_UPLOAD_MB:g}."
    return RemoteForm(
        **entered, is_in_auto="is_in_auto" in sent, has_key=bool(stored and stored.key), problems=problems
    )


def service_of(form: RemoteForm, stored: RemoteService | None) -> RemoteService:
    """The service of a form without problems; a stored key goes to no other server than the one it was entered for."""
    is_same = stored is not None and is_same_server(stored.url, form.url)
    return RemoteService(
        url=form.url.rstrip("/"),
        model=form.model,
        key=form.key or (stored.key if stored is not None and is_same else ""),
        timeout_s=float(form.timeout_s),
        upload_limit_mb=float(form.upload_limit_mb),
        is_in_auto=form.is_in_auto,
    )


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_bare = parts.username is None and not parts.query and not parts.fragment and len(text) <= 500
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and is_bare
    except ValueError:
        return False


def _is_number(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False

"""This file is `aftercall speech-service`: which remote speech service there is, and whether it answers."""

from collections.abc import Mapping
from typing import Any

from aftercall.errors import FormInvalid
from aftercall.speech.engine import RemoteService
from aftercall.speech.engines.remote import Trial, try_service
from aftercall.store import remote_service
from aftercall.web import remote_form
from aftercall.wiring import House

#: Field of the form to what sets it.
OPTIONS = {
    "url": "--url", "model": "--model", "key": "AFTERCALL_REMOTE_KEY", "timeout_s": "--timeout",
    "upload_limit_mb": "--upload-limit",
}  # fmt: skip


def stored(house: House) -> RemoteService | None:
    """What is saved; without its key where that cannot be read."""
    with house.engine.connect() as db:
        return remote_service.load_or_described(db, house.vault)


def save(house: House, given: Mapping[str, Any], *, key: str) -> RemoteService:
    """Store what is given and leave the rest as it is.

    Args:
        key: "" keeps the stored one, as long as the server is the same.
    Raises:
        FormInvalid: a value cannot be used.
    """
    service = _changed(house, given, key=key)
    with house.engine.begin() as db:
        remote_service.save(db, house.vault, service)
    return service


def test(house: House, given: Mapping[str, Any], *, key: str) -> Trial:
    """Try the stored service, changed by what is given; nothing is saved.

    Raises:
        FormInvalid: a value cannot be used, or there is no service yet.
        EngineError: it does not work.
    """
    return try_service(_changed(house, given, key=key))


def remove(house: House) -> None:
    """Send nothing there any more."""
    with house.engine.begin() as db:
        remote_service.remove(db)


def _changed(house: House, given: Mapping[str, Any], *, key: str) -> RemoteService:
    known = stored(house)
    before = remote_form.filled_in(known)
    sent = {name: str(getattr(before, name)) for name in OPTIONS}
    sent |= {name: str(given[name]) for name in OPTIONS if given.get(name) is not None}
    is_in_auto = before.is_in_auto if given.get("is_in_auto") is None else given["is_in_auto"]
    form = remote_form.read(sent | {"key": key} | ({"is_in_auto": "on"} if is_in_auto else {}), known)
    for field, problem in form.problems.items():
        raise FormInvalid(field=OPTIONS[field], problem=problem)
    return remote_form.service_of(form, known)

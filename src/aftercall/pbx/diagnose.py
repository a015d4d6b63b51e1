"""This file tests the connection to one PBX: a walk through checks with one meaning each, in the order of `CHECKS`.

A check that fails names its cause and its fix (they are the error's own); what depends on it is skipped. Only questions
are asked, so a test changes nothing on the PBX.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from aftercall.errors import AppError
from aftercall.model import Check, PbxAddress
from aftercall.pbx import checks_of_connection as connection
from aftercall.pbx import checks_of_recordings as recordings
from aftercall.pbx.ari import Patience
from aftercall.pbx.visit import Step, Visit, failed, not_tried

CHECKS: tuple[Step, ...] = (
    Step(name="address", look=connection.address),
    Step(name="tcp", look=connection.tcp, after="address"),
    Step(name="tls", look=connection.tls_, after="tcp"),
    Step(name="http", look=connection.http, after="tls"),
    Step(name="ari", look=connection.ari, after="http"),
    Step(name="sign-in", look=connection.sign_in, after="ari"),
    Step(name="version", look=connection.version, after="sign-in"),
    Step(name="read-only", look=connection.read_only, after="sign-in"),
    Step(name="modules", look=connection.modules, after="sign-in"),
    Step(name="sessions", look=connection.sessions, after="sign-in"),
    Step(name="events", look=connection.events, after="sign-in"),
    Step(name="recording list", look=recordings.recording_list, after="modules"),
    Step(name="download", look=recordings.download, after="recording list"),
    Step(name="audio", look=recordings.audio, after="download"),
    Step(name="folders", look=recordings.folders, after="sign-in"),
    Step(name="clock", look=recordings.clock, after="sign-in"),
    Step(name="time zone", look=recordings.time_zone, after="recording list"),
    Step(name="sync cost", look=recordings.sync_cost, after="recording list"),
)


class Diagnose(Protocol):
    """How the web room and the doctor are handed this test."""

    def __call__(self, address: PbxAddress, /, *, zone: str | None = None) -> AsyncIterator[Check]: ...


async def diagnose(
    address: PbxAddress, *, zone: str | None = None, patience: Patience | None = None
) -> AsyncIterator[Check]:
    """Yield each check as soon as its outcome is known.

    Args:
        zone: the time zone set for this PBX (IANA name), None if none is.
    """
    visit = Visit(address=address, patience=patience or Patience(), zone=zone)
    #: Checks that failed or were not tried, to the one whose failure is behind it.
    unmet: dict[str, str] = {}
    try:
        for step in CHECKS:
            if step.after in unmet:
                unmet[step.name] = culprit = unmet[step.after]
                yield not_tried(step.name, f'Not tried, because "{culprit}" failed.')
                continue
            try:
                check = await step.look(visit)
            except AppError as exc:
                check = failed(step.name, exc, visit)
            if check.status == "fail":
                unmet[step.name] = step.name
            yield check
    finally:
        await visit.aclose()

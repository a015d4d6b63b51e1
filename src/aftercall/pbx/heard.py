"""This file tells from the PBX's events which calls are being recorded, and what became of them; pure.

Asterisk sends everything to a read-only listener, a hundred events and more for one short call. Nearly all of them are
put aside by one look at their text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

#: Channels whose end was missed are forgotten after this, or when there are more.
LONGEST_CALL = timedelta(hours=24)
MOST_CHANNELS = 10_000

#: Events worth reading; a caller who is called like one only costs a look.
_RELEVANT = re.compile(
    r'"(?:ChannelCreated|ChannelDestroyed|Dial|MIXMONITOR_FILENAME|FROM_DID|__FROM_DID|BridgeBlindTransfer|'
    r'BridgeAttendedTransfer|ApplicationReplaced)"'
)
#: Contexts in which FreePBX's calls from outside begin; there the number dialled is the DID.
_FROM_OUTSIDE = ("from-trunk", "from-pstn", "from-did", "from-digital", "ext-did")


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A call that was handed on."""

    kind: Literal["blind", "attended"]
    #: Extension or number, "" if unknown.
    to: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class HeardCall:
    """What the events have told so far of one call that is being recorded; times are the PBX's clock, in UTC."""

    #: The channel's id, which is the uniqueid in the recording's name.
    uniqueid: str
    #: As the list names it: below the recording folder, without the file's extension.
    recording: str
    format: str
    started_at: datetime
    recording_began_at: datetime
    #: When a person (or whatever Dial or Queue reached) answered.
    answered_at: datetime | None = None
    #: None while the call goes on.
    ended_at: datetime | None = None
    caller_number: str | None = None
    caller_name: str | None = None
    connected_number: str | None = None
    connected_name: str | None = None
    #: The dialplan's context in which the channel was born.
    context: str | None = None
    did: str | None = None
    hangup_cause: int | None = None
    hangup_text: str | None = None
    transfers: tuple[Transfer, ...] = ()

    @property
    def ring_s(self) -> float | None:
        """Seconds from the start to the answer, or to the end of a call that nobody answered."""
        until = self.answered_at or self.ended_at
        return round((until - self.started_at).total_seconds(), 3) if until else None


@dataclass(kw_only=True)
class _Channel:
    """What is known of one channel."""

    id: str
    started_at: datetime
    context: str
    did: str | None = None
    caller: tuple[str | None, str | None] = (None, None)
    connected: tuple[str | None, str | None] = (None, None)
    answered_at: datetime | None = None
    transfers: list[Transfer] = field(default_factory=list)
    #: Name and format of each recording this channel writes, to when that began.
    recordings: dict[tuple[str, str], datetime] = field(default_factory=dict)


class Replaced(Exception):
    """Another listener took over the application's name."""


class Tracker:
    """Follows the channels of one PBX; knows no clock but the events' own."""

    def __init__(self, folders: Sequence[str]) -> None:
        """Begin without any call.

        Args:
            folders: on the PBX, absolute: those that names of recordings are relative to.
        """
        self._folders = tuple(f"{folder.rstrip('/')}/" for folder in folders)
        self._channels: dict[str, _Channel] = {}
        #: Events that made no sense.
        self.rubbish_count = 0

    @property
    def live(self) -> Mapping[str, HeardCall]:
        """The recordings in progress, by name."""
        heard = [call for channel in self._channels.values() for call in _calls(channel)]
        return {call.recording: call for call in heard}

    def feed(self, text: str | bytes) -> tuple[HeardCall, ...]:
        """Take in one event.

        Returns:
            The calls it told something new of: being recorded, answered, handed on or over.
        Raises:
            Replaced: nothing more will come.
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        if not _RELEVANT.search(text):
            return ()
        try:
            event = json.loads(text)
            return self._take(event) if isinstance(event, dict) else self._rubbish()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # What is not shaped as Asterisk's events tells nothing, and no call is made of it.
            return self._rubbish()

    def _rubbish(self) -> tuple[HeardCall, ...]:
        self.rubbish_count += 1
        return ()

    def _take(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        match event["type"]:
            case "ApplicationReplaced":
                raise Replaced()
            case "ChannelCreated":
                self._channel(event["channel"])
                return ()
            case "ChannelVarset":
                return self._set(event) if event.get("channel") else ()
            case "Dial":
                return self._dialled(event)
            case "BridgeBlindTransfer" | "BridgeAttendedTransfer":
                return self._transferred(event)
            case "ChannelDestroyed":
                return self._destroyed(event)
        return ()

    def _channel(self, said: dict[str, Any]) -> _Channel:
        """The channel an event speaks of, with what it says of the parties."""
        identity = _text(said["id"])
        if identity is None:
            raise ValueError("a channel without an id")
        channel = self._channels.get(identity)
        if channel is None:
            dialplan = said["dialplan"]
            context = _text(dialplan["context"]) or ""
            channel = _Channel(id=identity, started_at=_moment(said["creationtime"]), context=context)
            if context.startswith(_FROM_OUTSIDE):
                exten = _text(dialplan["exten"])
                channel.did = exten if exten not in {None, "s"} else None
            self._channels[identity] = channel
            self._make_room(channel.started_at)
        channel.caller = _party(said["caller"], channel.caller)
        channel.connected = _party(said["connected"], channel.connected)
        return channel

    def _make_room(self, now: datetime) -> None:
        while self._channels:
            oldest = next(iter(self._channels.values()))
            if len(self._channels) <= MOST_CHANNELS and now - oldest.started_at <= LONGEST_CALL:
                return
            del self._channels[oldest.id]

    def _set(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        channel, value = self._channel(event["channel"]), _text(event["value"])
        if value is None:
            return ()
        match event["variable"]:
            case "FROM_DID" | "__FROM_DID":
                channel.did = value
            case "MIXMONITOR_FILENAME":
                recording = self._name(value)
                if recording is not None and recording not in channel.recordings:
                    channel.recordings[recording] = _moment(event["timestamp"])
                    return tuple(call for call in _calls(channel) if call.recording == recording[0])
        return ()

    def _dialled(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        if event.get("dialstatus") != "ANSWER":
            return ()
        told: list[HeardCall] = []
        for side in ("caller", "peer"):
            if not event.get(side):
                continue
            channel = self._channel(event[side])
            if channel.answered_at is None:
                channel.answered_at = _moment(event["timestamp"])
                told += _calls(channel)
        return tuple(told)

    def _transferred(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        if event.get("result", "Success") != "Success":
            return ()
        is_blind = event["type"] == "BridgeBlindTransfer"
        target = event.get("transfer_target") or {}
        to = event.get("exten") if is_blind else target.get("caller", {}).get("number")
        transfer = Transfer(
            kind="blind" if is_blind else "attended", to=_text(to or "") or "", at=_moment(event["timestamp"])
        )
        parties = ("channel", "transferee", "transferer_first_leg", "transferer_second_leg", "transfer_target")
        told: list[HeardCall] = []
        for name in parties:
            if event.get(name):
                channel = self._channel(event[name])
                if channel.recordings:
                    channel.transfers.append(transfer)
                    told += _calls(channel)
        return tuple(told)

    def _destroyed(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        channel, at = self._channel(event["channel"]), _moment(event["timestamp"])
        cause, words = event.get("cause"), _text(event.get("cause_txt") or "")
        calls = _calls(channel)
        del self._channels[channel.id]
        # A recording that another channel goes on with, after a transfer or a pause, is not over.
        going_on = self.live
        return tuple(
            replace(call, ended_at=at, hangup_cause=cause if isinstance(cause, int) else None, hangup_text=words)
            for call in calls
            if call.recording not in going_on
        )

    def _name(self, path: str) -> tuple[str, str] | None:
        """Name and format of a recording as the list has them; None for a file that the list does not reach."""
        folder = next((each for each in self._folders if path.startswith(each)), None)
        if folder is None:
            return None
        name, _, audio_format = path[len(folder) :].rpartition(".")
        is_below = bool(name and audio_format) and ".." not in name.split("/") and "/" not in audio_format
        return (name, audio_format) if is_below else None


def _calls(channel: _Channel) -> list[HeardCall]:
    """The recordings of a channel as calls."""
    return [
        HeardCall(
            uniqueid=channel.id,
            recording=name,
            format=audio_format,
            started_at=channel.started_at,
            recording_began_at=began_at,
            answered_at=channel.answered_at,
            caller_name=channel.caller[0],
            caller_number=channel.caller[1],
            connected_name=channel.connected[0],
            connected_number=channel.connected[1],
            context=channel.context or None,
            did=channel.did,
            transfers=tuple(channel.transfers),
        )
        for (name, audio_format), began_at in channel.recordings.items()
    ]


def _moment(text: str) -> datetime:
    """A time as Asterisk writes it, such as 2026-11-23T12:47:52.260+0000."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at


def _party(said: dict[str, Any], before: tuple[str | None, str | None]) -> tuple[str | None, str | None]:
    """Name and number; what an event leaves empty stays as it was."""
    name, number = _text(said["name"]), _text(said["number"])
    return name or before[0], number or before[1]


def _text(value: object) -> str | None:
    """A text that a database can hold; None for an empty one."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    cleaned = value.replace("\0", "").encode("utf-8", "replace").decode().strip()[:300]
    return cleaned or None

"""This file tells from the PBX's events which calls are being recorded, and what became of them; pure.

Asterisk sends everything to a read-only listener, a hundred events and more for one short call. Nearly all of them are
put aside by one look at their text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

#: Channels whose end was missed, and recordings that are over, are forgotten after this, or when there are more.
LONGEST_CALL = timedelta(hours=24)
MOST_CHANNELS = 10_000
#: The longest path a file may have on Linux, in bytes.
_LONGEST_PATH = 4096

#: Events worth reading. The key belongs to it: in FreePBX's dialplan "Dial" is also the application that nearly every
#: channel is in. The space is there with `pretty = yes` in ari.conf.
_RELEVANT = re.compile(
    rb'"type": ?"(?:ChannelCreated|ChannelDestroyed|Dial|BridgeBlindTransfer|BridgeAttendedTransfer|'
    rb'ApplicationReplaced)"'
)
#: Variables worth reading, as they stand in a ChannelVarset; __FROM_DID is one that the next channels inherit.
_VARIABLES = (b'"MIXMONITOR_FILENAME"', b'FROM_DID"')
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
    #: False if we came in the middle: then somebody may have answered before.
    is_heard_from_start: bool = True

    @property
    def ring_s(self) -> float | None:
        """Seconds from the start to the answer, or to the end of a call that nobody answered; None if unknown."""
        until = self.answered_at or (self.ended_at if self.is_heard_from_start else None)
        return round((until - self.started_at).total_seconds(), 3) if until else None


@dataclass(kw_only=True)
class _Channel:
    """What is known of one channel."""

    id: str
    started_at: datetime
    context: str
    is_heard_from_start: bool
    did: str | None = None
    caller: tuple[str | None, str | None] = (None, None)
    connected: tuple[str | None, str | None] = (None, None)
    answered_at: datetime | None = None
    #: The answer was that of the very phone the PBX rang to make the call; the other side's is still to come.
    is_only_picked_up: bool = False
    #: Those it writes.
    recordings: "list[_Recording]" = field(default_factory=list, repr=False)


@dataclass(kw_only=True)
class _Recording:
    """What is known of one recording."""

    name: str
    format: str
    began_at: datetime
    #: The channel it began on: whose call it is, whoever goes on with it.
    channel: _Channel
    #: The ids of the channels that write it; none when it is over.
    holders: set[str] = field(default_factory=set)
    transfers: list[Transfer] = field(default_factory=list)


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
        #: By name; also those that are over, because one may go on: after a pause, parking or an attended transfer
        #: FreePBX appends to the same file.
        self._recordings: dict[str, _Recording] = {}
        #: Events that made no sense.
        self.rubbish_count = 0

    @property
    def live(self) -> Mapping[str, HeardCall]:
        """The recordings in progress, by name."""
        return {each.name: _call(each) for each in self._recordings.values() if each.holders}

    def feed(self, text: str | bytes) -> tuple[HeardCall, ...]:
        """Take in one event.

        Returns:
            The calls it told something new of: being recorded, answered, handed on or over.
        Raises:
            Replaced: nothing more will come.
        """
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if not (_RELEVANT.search(raw) or any(variable in raw for variable in _VARIABLES)):
            return ()
        try:
            # Bytes that are no UTF-8 are rubbish; the json module would guess another encoding.
            event = json.loads(raw.decode())
            return self._take(event) if isinstance(event, dict) else self._rubbish()
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
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
                self._channel(event["channel"], is_new=True)
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

    def _channel(self, said: dict[str, Any], *, is_new: bool = False) -> _Channel:
        """The channel an event speaks of, with what it says of the parties."""
        identity = _text(said["id"])
        if identity is None:
            raise ValueError("a channel without an id")
        caller, connected = said["caller"], said["connected"]
        channel = self._channels.get(identity) or self._born(identity, said, is_new=is_new)
        channel.caller = _party(caller, channel.caller)
        channel.connected = _party(connected, channel.connected)
        self._channels[identity] = channel
        return channel

    def _born(self, identity: str, said: dict[str, Any], *, is_new: bool) -> _Channel:
        dialplan, started_at = said["dialplan"], _moment(said["creationtime"])
        context, exten = _text(dialplan["context"]) or "", _text(dialplan["exten"])
        self._make_room(started_at)
        return _Channel(
            id=identity,
            started_at=started_at,
            context=context,
            is_heard_from_start=is_new,
            did=exten if exten != "s" and context.startswith(_FROM_OUTSIDE) else None,
        )

    def _make_room(self, now: datetime) -> None:
        """Forget what is older than a day or too much."""
        while self._channels:
            channel = next(iter(self._channels.values()))
            if len(self._channels) < MOST_CHANNELS and now - channel.started_at <= LONGEST_CALL:
                break
            self._end(channel)
        while self._recordings:
            recording = next(iter(self._recordings.values()))
            if len(self._recordings) < MOST_CHANNELS and now - recording.began_at <= LONGEST_CALL:
                break
            del self._recordings[recording.name]

    def _end(self, channel: _Channel) -> None:
        """It writes no recording any more."""
        self._channels.pop(channel.id, None)
        for each in channel.recordings:
            each.holders.discard(channel.id)

    def _set(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        channel, value = self._channel(event["channel"]), event["value"]
        match event["variable"]:
            case "FROM_DID" | "__FROM_DID":
                channel.did = _text(value) or channel.did
            case "MIXMONITOR_FILENAME":
                return self._recorded(channel, value, _moment(event["timestamp"]))
        return ()

    def _recorded(self, channel: _Channel, path: str, at: datetime) -> tuple[HeardCall, ...]:
        place = self._place(path)
        if place is None:
            return ()
        name, audio_format = place
        recording = self._recordings.get(name)
        if recording is None:
            recording = _Recording(name=name, format=audio_format, began_at=at, channel=channel)
            self._recordings[name] = recording
        if channel.id in recording.holders:
            return ()
        recording.holders.add(channel.id)
        channel.recordings.append(recording)
        return (_call(recording),)

    def _dialled(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        if event.get("dialstatus") != "ANSWER":
            return ()
        at, told = _moment(event["timestamp"]), []
        for side in ("caller", "peer"):
            if not event.get(side):
                continue
            channel = self._channel(event[side])
            if channel.answered_at is None or channel.is_only_picked_up:
                channel.answered_at, channel.is_only_picked_up = at, not event.get("caller")
                told += [_call(each) for each in channel.recordings]
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
        concerned: dict[str, _Recording] = {}
        for party in parties:
            if event.get(party):
                concerned |= {each.name: each for each in self._channel(event[party]).recordings}
        for each in concerned.values():
            each.transfers.append(transfer)
        return tuple(_call(each) for each in concerned.values())

    def _destroyed(self, event: dict[str, Any]) -> tuple[HeardCall, ...]:
        channel, at = self._channel(event["channel"]), _moment(event["timestamp"])
        cause, words = event.get("cause"), _text(event.get("cause_txt") or "")
        self._end(channel)
        # A recording that another channel goes on with, after a transfer or a pause, is not over.
        return tuple(
            replace(_call(each), ended_at=at, hangup_cause=cause if isinstance(cause, int) else None, hangup_text=words)
            for each in channel.recordings
            if not each.holders
        )

    def _place(self, path: str) -> tuple[str, str] | None:
        """Name and format of a recording as the list has them; None for a file that the list does not reach."""
        if "\0" in path or len(path.encode()) > _LONGEST_PATH:
            raise ValueError("not a path")
        folder = next((each for each in self._folders if path.startswith(each)), None)
        if folder is None:
            return None
        name, _, audio_format = path[len(folder) :].rpartition(".")
        is_below = bool(name and audio_format) and ".." not in name.split("/") and "/" not in audio_format
        return (name, audio_format) if is_below else None


def _call(recording: _Recording) -> HeardCall:
    channel = recording.channel
    return HeardCall(
        uniqueid=channel.id,
        recording=recording.name,
        format=recording.format,
        started_at=channel.started_at,
        recording_began_at=recording.began_at,
        answered_at=channel.answered_at,
        caller_name=channel.caller[0],
        caller_number=channel.caller[1],
        connected_name=channel.connected[0],
        connected_number=channel.connected[1],
        context=channel.context or None,
        did=channel.did,
        transfers=tuple(recording.transfers),
        is_heard_from_start=channel.is_heard_from_start,
    )


def _moment(text: str) -> datetime:
    """A time as Asterisk writes it, such as 2026-11-23T12:47:52.260+0000."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


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

"""This file plays a call on a simulated PBX, as its events tell it: ringing, recorded, answered, over."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aftercall.demo.events import stamp
from aftercall.demo.spool import StoredFile

Publish = Callable[[dict[str, Any]], None]


@dataclass(kw_only=True)
class LiveCall:
    """A call in progress on a simulated PBX; its methods may be called from any thread."""

    publish: Publish
    file: StoredFile
    #: Absolute path of the recording, as Asterisk names it.
    path: str
    uniqueid: str
    caller: tuple[str, str]
    connected: tuple[str, str]
    context: str
    exten: str
    #: How far the PBX's clock is ahead.
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _born: datetime | None = None

    def ring(self) -> None:
        """It rings, and its recording begins."""
        self._born = self.now()
        self._tell("ChannelCreated", channel=self._channel())
        self._set("__FROM_DID", self.exten)
        self._set("MIXMONITOR_FILENAME", self.path)
        self._set("__REC_STATUS", "RECORDING")
        self._tell("Dial", caller=self._channel(), peer=self._peer(), dialstatus="", dialstring="200")

    def answer(self) -> None:
        self._tell("Dial", caller=self._channel(), peer=self._peer(), dialstatus="ANSWER", dialstring="200")

    def transfer(self, to: str) -> None:
        """It is handed on without asking."""
        self._tell(
            "BridgeBlindTransfer",
            channel=self._peer(),
            transferee=self._channel(),
            exten=to,
            context="from-internal-xfer",
            result="Success",
            is_external=True,
        )

    def hang_up(self, cause: int = 16, words: str = "Normal Clearing") -> None:
        """It ends: the recording is whole, and then everybody is told."""
        self.file.written = None
        self._tell("ChannelHangupRequest", cause=cause, channel=self._channel())
        self._tell("ChannelDestroyed", cause=cause, cause_txt=words, channel=self._channel())

    def _set(self, variable: str, value: str) -> None:
        self._tell("ChannelVarset", variable=variable, value=value, channel=self._channel())

    def _tell(self, kind: str, **facts: Any) -> None:
        self.publish({"type": kind, "timestamp": stamp(self.now()), **facts})

    def _channel(self) -> dict[str, Any]:
        return self._shape(self.uniqueid, "PJSIP/trunk-00000001", self.caller, self.connected)

    def _peer(self) -> dict[str, Any]:
        return self._shape(f"{self.uniqueid}0", "PJSIP/200-00000002", self.connected, self.caller)

    def _shape(self, identity: str, name: str, caller: tuple[str, str], connected: tuple[str, str]) -> dict[str, Any]:
        return {
            "id": identity,
            "name": name,
            "state": "Up",
            "protocol_id": f"{identity}@simulated",
            "caller": {"name": caller[0], "number": caller[1]},
            "connected": {"name": connected[0], "number": connected[1]},
            "accountcode": "",
            "dialplan": {
                "context": self.context, "exten": self.exten, "priority": 1, "app_name": "Dial", "app_data": "",
            },
            "creationtime": stamp(self._born or self.now()),
            "language": "en",
        }  # fmt: skip

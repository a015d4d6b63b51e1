"""This file describes a call to be made: who rings whom, what each says, and the file that makes Asterisk dial."""

from dataclasses import dataclass

#: The formats MixMonitor is asked for; each is written with this extension.
FORMATS = ("wav", "WAV", "gsm", "ulaw", "alaw", "sln", "g722")

#: Kind -> the number called when none is given. The first ones come over the trunk, the last from an extension.
FROM_OUTSIDE = {"in": "200", "external": "200", "q": "600", "rg": "601"}
FROM_INSIDE = {"out": "5550100777", "internal": "202"}
KINDS = tuple(FROM_OUTSIDE | FROM_INSIDE)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One call; empty numbers get a usual one of the kind."""

    kind: str = "external"
    frm: str = ""
    to: str = ""
    caller_name: str = "Ada Example"
    #: What the caller and the callee say, as Playback() takes it.
    sound_a: str = "hello-world"
    sound_b: str = "demo-thanks"
    #: Silence after the callee's words, before the hang-up.
    tail_s: float = 0.5
    audio_format: str = "wav"

    @property
    def caller(self) -> str:
        return self.frm or ("201" if self.kind in FROM_INSIDE else "5550101234")

    @property
    def callee(self) -> str:
        return self.to or (FROM_INSIDE | FROM_OUTSIDE)[self.kind]

    def globals(self) -> dict[str, str]:
        """The variables the dialplan reads."""
        return {
            "LAB_KIND": self.kind,
            "LAB_TO": self.callee,
            "LAB_FORMAT": self.audio_format,
            "LAB_SOUND_A": self.sound_a,
            "LAB_SOUND_B": self.sound_b,
            "LAB_TAIL": f"{self.tail_s:g}",
        }

    def call_file(self, sip_port: int) -> str:
        """What, put into the folder `outgoing`, makes Asterisk ring."""
        leg = "far-ext" if self.kind in FROM_INSIDE else "far-trunk"
        return (
            f"Channel: PJSIP/{leg}/sip:{self.callee}@127.0.0.1:{sip_port}\n"
            f'CallerID: "{self.caller_name}" <{self.caller}>\n'
            "MaxRetries: 0\nWaitTime: 30\nContext: caller\nExtension: s\nPriority: 1\n"
        )

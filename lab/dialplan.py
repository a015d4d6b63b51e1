"""This file writes the dialplan and the SIP set-up: one Asterisk plays the far end, the PBX and the phones.

What arrives is told apart by the user name in From; the caller's number travels in P-Asserted-Identity. The context
`sub-record-check` does what FreePBX's Call Recording module generates, as far as names and MixMonitor go. The LAB_
globals shape the next call; they are set before it is made.
"""

from pathlib import Path


def pjsip(sip_port: int) -> str:
    """pjsip.conf"""

    def endpoint(name: str, *lines: str) -> str:
        always = (
            "type=endpoint", "disallow=all", "allow=ulaw", "identify_by=username", "trust_id_inbound=yes",
            "send_pai=yes", "direct_media=no", "media_address=127.0.0.1", "bind_rtp_to_media_address=yes",
        )  # fmt: skip
        return "\n".join([f"[{name}]", *always, *lines, ""])

    def address(name: str, user: str) -> str:
        return f"[{name}]\ntype=aor\ncontact=sip:{user}@127.0.0.1:{sip_port}\nqualify_frequency=0\n"

    return "\n".join(
        [
            "[global]\ntype=global\nendpoint_identifier_order=username\n",
            f"[loopback]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{sip_port}\n",
            endpoint("trunk", "context=from-trunk", "aors=trunk", "from_user=pbx-out"),
            address("trunk", "world"),
            endpoint("ext", "context=from-internal", "aors=ext", "from_user=pbx-in"),
            address("ext", "phone"),
            endpoint("far-trunk", "context=nowhere", "aors=pbx", "from_user=trunk"),
            address("pbx", "pbx"),
            endpoint("far-ext", "context=nowhere", "aors=pbx", "from_user=ext"),
            endpoint("pbx-out", "context=far-end"),
            endpoint("pbx-in", "context=far-end"),
        ]
    )


def extensions(monitor: Path) -> str:
    """extensions.conf"""
    folder = "${MIXMON_DIR}${YEAR}/${MONTH}/${DAY}/"
    return f"""[globals]
MIXMON_DIR={monitor}/

[sub-record-check]
exten => s,1,Set(NOW=${{EPOCH}})
 same => n,Set(__DAY=${{STRFTIME(${{NOW}},,%d)}})
 same => n,Set(__MONTH=${{STRFTIME(${{NOW}},,%m)}})
 same => n,Set(__YEAR=${{STRFTIME(${{NOW}},,%Y)}})
 same => n,Set(__TIMESTR=${{YEAR}}${{MONTH}}${{DAY}}-${{STRFTIME(${{NOW}},,%H%M%S)}})
 same => n,Set(__MON_FMT=${{IF($["${{LAB_FORMAT}}"=""]?wav:${{LAB_FORMAT}})}})
 same => n,Set(__FROMEXTEN=${{IF($["${{CALLERID(num)}}"=""]?unknown:${{CALLERID(num)}})}})
 same => n,Set(__CALLFILENAME=${{ARG1}}-${{ARG2}}-${{FROMEXTEN}}-${{TIMESTR}}-${{UNIQUEID}})
 same => n,MixMonitor({folder}${{CALLFILENAME}}.${{MON_FMT}},ai(LOCAL_MIXMON_ID))
 same => n,Set(__REC_STATUS=RECORDING)
 same => n,Return()

[from-trunk]
exten => _[+0-9].,1,Gosub(sub-record-check,s,1(${{LAB_KIND}},${{LAB_TO}}))
 same => n,Dial(PJSIP/${{EXTEN}}@ext,30)
 same => n,Hangup()

[from-internal]
exten => _[+*0-9].,1,Set(KIND=${{LAB_KIND}})
 same => n,Gosub(sub-record-check,s,1(${{KIND}},${{EXTEN}}))
 same => n,GotoIf($["${{KIND}}"="internal"]?inside)
 same => n,Dial(PJSIP/${{EXTEN}}@trunk,30)
 same => n,Hangup()
 same => n(inside),Dial(PJSIP/${{EXTEN}}@ext,30)
 same => n,Hangup()

[far-end]
; who answers plays their sound and hangs up
exten => _[+*0-9].,1,Wait(0.5)
 same => n,Answer()
 same => n,Playback(${{LAB_SOUND_B}})
 same => n,Wait(${{LAB_TAIL}})
 same => n,Hangup(16)

[caller]
; who calls plays their sound and waits for the other side to hang up
exten => s,1,Playback(${{LAB_SOUND_A}})
 same => n,Wait(3600)

[nowhere]
"""

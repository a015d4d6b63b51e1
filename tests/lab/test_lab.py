"""A running Asterisk of the lab: what the rest of the tests rely on."""

import json
import math
import struct
import time
import wave
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from lab.asterisk import Lab, running
from lab.calls import FORMATS, KINDS

from aftercall.pbx import names

pytestmark = pytest.mark.pbx

LIST = "/ari/recordings/stored"
#: A prompt of one second.
SHORT = "hello-world"


def listed(pbx: Lab) -> list[str]:
    status, body = pbx.request(LIST)
    assert status == 200
    return [each["name"] for each in json.loads(body)]


def data_size(recording: bytes) -> int:
    """What the header of a WAV says."""
    return int.from_bytes(recording[40:44], "little")


# ---- calls ------------------------------------------------------------------------------------------------------


def test_a_real_call_gives_a_finished_recording_that_is_listed(pbx: Lab) -> None:
    (name,) = pbx.call(b=SHORT)
    content = (pbx.monitor / f"{name}.wav").read_bytes()
    assert data_size(content) + 44 == len(content)
    assert len(content) > 16_000
    assert listed(pbx) == [name]


def test_a_call_of_every_kind_is_named_as_freepbx_names_it(pbx: Lab) -> None:
    found = {kind: names.parse(name) for kind in KINDS for name in pbx.call(kind=kind, b=SHORT, wait=False)}
    pbx.hang_up()
    assert {kind: (each.direction, each.caller, each.callee) for kind, each in found.items()} == {
        "in": ("inbound", "5550101234", "200"),
        "external": ("inbound", "5550101234", "200"),
        "q": ("inbound", "5550101234", "600"),
        "rg": ("inbound", "5550101234", "601"),
        "out": ("outbound", "201", "5550100777"),
        "internal": ("internal", "201", "202"),
    }


def test_numbers_are_those_asked_for(pbx: Lab) -> None:
    (name,) = pbx.call(kind="out", frm="207", to="+15550100888", b=SHORT, wait=False)
    parsed = names.parse(name)
    assert (parsed.caller, parsed.callee) == ("207", "+15550100888")
    pbx.hang_up()


def test_the_callers_name_is_that_asked_for(pbx: Lab) -> None:
    pbx.call(caller_name="Grace Example", tail_s=60, wait=False)
    channels = json.loads(pbx.request("/ari/channels")[1])
    assert "Grace Example" in {each["caller"]["name"] for each in channels}
    pbx.hang_up()


def test_every_format_is_recorded_and_listed(pbx: Lab) -> None:
    for audio_format in FORMATS:
        pbx.call(audio_format=audio_format, b=SHORT, wait=False)
    pbx.wait_until_quiet()
    status, body = pbx.request(LIST)
    assert status == 200
    assert sorted(each["format"] for each in json.loads(body)) == sorted(FORMATS)
    assert all(path.stat().st_size > 1000 for path in pbx.monitor.rglob("*.*"))


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_leg_can_say_what_a_file_says(pbx: Lab, tmp_path: Path, rate_hz: int) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        tone = [int(12_000 * math.sin(2 * math.pi * 500 * at / rate_hz)) for at in range(rate_hz)]
        file.writeframes(struct.pack(f"<{rate_hz}h", *tone))
    (name,) = pbx.call(a="silence/1", b=tmp_path / "tone.wav")
    recorded = (pbx.monitor / f"{name}.wav").read_bytes()[44:]
    samples = struct.unpack(f"<{len(recorded) // 2}h", recorded)
    loud = [at for at, sample in enumerate(samples) if abs(sample) > 8000]
    assert loud[-1] - loud[0] == pytest.approx(8000, abs=800), "one second of it, at the recording's 8 kHz"
    # 500 Hz at 8 kHz: a period is 16 samples, in which the sign changes twice.
    middle = samples[loud[0] : loud[0] + 4000]
    changes = sum((one < 0) != (next_one < 0) for one, next_one in pairwise(middle))
    assert changes == pytest.approx(500, abs=20)


def test_a_file_of_another_rate_is_refused(pbx: Lab, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(1000))
    with pytest.raises(ValueError, match="8 or 16 kHz"):
        pbx.call(a=tmp_path / "tone.wav")


def test_many_can_talk_at_once(pbx: Lab) -> None:
    made = pbx.call(b=SHORT, count=10)
    assert len(set(made)) == 10
    sizes = [(data_size(each.read_bytes()) + 44, each.stat().st_size) for each in pbx.monitor.rglob("*.wav")]
    assert all(said == real for said, real in sizes)


def test_a_recording_in_progress_has_no_size_in_its_header_until_the_call_ends(pbx: Lab) -> None:
    (name,) = pbx.call(tail_s=60, wait=False)
    time.sleep(1)
    assert listed(pbx) == [name]
    assert data_size((pbx.monitor / f"{name}.wav").read_bytes()) == 0
    pbx.hang_up()
    content = (pbx.monitor / f"{name}.wav").read_bytes()
    assert data_size(content) + 44 == len(content)


def test_a_power_cut_leaves_a_recording_without_a_size_for_ever(pbx: Lab) -> None:
    (name,) = pbx.call(tail_s=60, wait=False)
    time.sleep(1)
    pbx.restart()
    assert listed(pbx) == [name]
    assert data_size((pbx.monitor / f"{name}.wav").read_bytes()) == 0


# ---- rights, ports, instances ----------------------------------------------------------------------------------


def test_a_read_only_user_reads_everything_and_deletes_nothing(pbx: Lab) -> None:
    (name,) = pbx.seed(1)
    path = f"{LIST}/{quote(name, safe='')}"
    assert pbx.request(f"{path}/file")[0] == 200
    assert pbx.request(path, method="DELETE")[0] == 403
    assert listed(pbx) == [name]


def test_its_version_is_that_of_its_release_or_later(pbx: Lab) -> None:
    """Debian's sid moves on: what it calls 22 today may be 23 tomorrow."""
    assert int(pbx.version.split(".")[0]) >= int(pbx.release)
    system = json.loads(pbx.request("/ari/asterisk/info?only=system")[1])["system"]
    assert system["version"] == pbx.version


def test_calls_and_http_use_loopback_only(pbx: Lab) -> None:
    pbx.call(tail_s=60, wait=False)
    first, last = pbx.port, pbx.rtp_ports[1]
    used: dict[int, str] = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, port = local.rpartition(":")
            if first <= int(port, 16) <= last and state in {"0A", "07"}:  # listening, or UDP
                used[int(port, 16)] = address
    pbx.hang_up()
    assert {pbx.port, pbx.tls_port, pbx.sip_port} < used.keys()
    assert len(used) > 3 + 4, "the audio of both legs, too"
    assert set(used.values()) == {"0100007F"}


def test_two_run_side_by_side(pbx: Lab) -> None:
    with running(pbx.release) as other:
        other.seed(3)
        assert (len(listed(other)), len(listed(pbx))) == (3, 0)


def test_nothing_of_a_stopped_one_is_left(pbx: Lab) -> None:
    with Lab.start(pbx.release) as other:
        folder, pid = other.top, other.pid
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_thousand_seeded_recordings_are_listed(pbx: Lab) -> None:
    assert sorted(pbx.seed(1000, days=30)) == listed(pbx)

"""This file holds what the ARI client relies on, run over the demo's simulator and every real Asterisk of the lab."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from lab.asterisk import Lab

from aftercall import errors
from aftercall.demo.simulator import Simulator
from aftercall.model import PbxAddress
from aftercall.pbx.ari import AriClient

pytestmark = pytest.mark.anyio

AWKWARD_NAMES = [
    "2026/11/23/external-200-+15550100-20261123-101500-1795428900.1",
    "with space",
    "plus+hash#percent%question?amp&equals=quote\"apostrophe'",
    "percent%2Fencoded",
    "two\nlines",
    "José ☎ 呼び出し",
    "*97 and (brackets) [square] {curly} ; , ~ ^ ` | $ ! @",
    "/".join(letter * 99 for letter in "abc"),
]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One implementation of ARI, real or not, and how to lay recordings into it."""

    address: PbxAddress
    #: Every recording of a test lies below this folder.
    folder: str
    #: name, bytes, format
    put: Callable[[str, bytes, str], None]
    #: name, bytes so far: a call in progress
    put_growing: Callable[[str, bytes], None]
    #: name, bytes: it goes on
    grow: Callable[[str, bytes], None]


class EveryExchange:
    """The contract; a subclass gives the `exchange`."""

    @pytest.fixture
    async def client(self, exchange: Exchange) -> AsyncIterator[AriClient]:
        async with AriClient(exchange.address) as client:
            yield client

    async def test_it_tells_its_version_and_who_it_is(self, client: AriClient) -> None:
        info = await client.info()
        assert int(info.version.split(".")[0]) >= 16
        assert info.entity_id
        assert info.startup_time

    async def test_its_clock_can_be_compared(self, client: AriClient) -> None:
        assert abs(await client.clock_skew()) < timedelta(seconds=5)

    async def test_its_modules_are_known_one_by_one_and_together(self, client: AriClient) -> None:
        assert (await client.modules())["res_ari_recordings.so"] == "Running"
        assert await client.module_state("res_ari_recordings.so") == "Running"
        assert await client.module_state("res_no_such_thing.so") is None

    async def test_a_user_who_may_only_read_is_told_from_one_who_may_write(self, client: AriClient) -> None:
        assert await client.may_write() is False

    async def test_variables_tell_where_the_recordings_are(self, client: AriClient) -> None:
        assert (await client.variable("ASTSPOOLDIR")).startswith("/")
        assert (await client.variable("ASTSPOOLDIR")) == await client.spool_folder()
        assert await client.variable("NO_SUCH_VARIABLE") == ""

    async def test_it_lists_names_with_formats_in_order_of_their_bytes(
        self, exchange: Exchange, client: AriClient
    ) -> None:
        laid = {
            f"{exchange.folder}/{name}": kind
            for name, kind in [("b", "wav"), ("a/x", "gsm"), ("é", "WAV"), ("a", "wav")]
        }
        for name, kind in laid.items():
            exchange.put(name, b"RIFF", kind)
        listed = {name: kind for name, kind in (await client.recordings()).items() if name.startswith(exchange.folder)}
        assert listed == laid
        assert list(listed) == sorted(laid, key=str.encode)

    async def test_a_download_is_the_file(self, exchange: Exchange, client: AriClient) -> None:
        content = bytes(range(256)) * 1000
        exchange.put(f"{exchange.folder}/call", content, "wav")
        into = io.BytesIO()
        got = await client.download(f"{exchange.folder}/call", into, max_bytes=len(content))
        assert into.getvalue() == content
        assert (got.size_bytes, got.content_type) == (len(content), "audio/wav")
        assert (got.sha256, got.head) == (hashlib.sha256(content).hexdigest(), content[:64])

    @pytest.mark.parametrize("kind", ["WAV", "gsm", "ulaw", "sln16"])
    async def test_the_type_is_the_extension_in_its_own_case(
        self, exchange: Exchange, client: AriClient, kind: str
    ) -> None:
        exchange.put(f"{exchange.folder}/call", bytes(100), kind)
        got = await client.download(f"{exchange.folder}/call", io.BytesIO(), max_bytes=1000)
        assert got.content_type == f"audio/{kind}"

    @pytest.mark.parametrize("name", AWKWARD_NAMES)
    async def test_an_awkward_name_is_listed_and_handed_out(
        self, exchange: Exchange, client: AriClient, name: str
    ) -> None:
        exchange.put(f"{exchange.folder}/{name}", name.encode(), "wav")
        assert f"{exchange.folder}/{name}" in await client.recordings()
        into = io.BytesIO()
        await client.download(f"{exchange.folder}/{name}", into, max_bytes=1000)
        assert into.getvalue() == name.encode()

    async def test_an_empty_recording_is_no_bytes(self, exchange: Exchange, client: AriClient) -> None:
        exchange.put(f"{exchange.folder}/empty", b"", "wav")
        assert (await client.download(f"{exchange.folder}/empty", io.BytesIO(), max_bytes=1)).size_bytes == 0

    @pytest.mark.parametrize("wrong", ["gone", "call.wav", "../call", "../../../../../../etc/passwd", "..", ""])
    async def test_what_is_not_there_is_missing(self, exchange: Exchange, client: AriClient, wrong: str) -> None:
        exchange.put(f"{exchange.folder}/call", b"RIFF", "wav")
        with pytest.raises(errors.RecordingMissing):
            await client.download(f"{exchange.folder}/{wrong}", io.BytesIO(), max_bytes=1000)

    async def test_a_recording_that_grows_meanwhile_ends_where_it_was_announced_to(
        self, exchange: Exchange, client: AriClient
    ) -> None:
        # Beginning with zeros, as the sizes in a header do until the call is over; more than the sockets can buffer.
        content, name = bytes(44) + b"\x01" * 20_000_000, f"{exchange.folder}/growing"
        exchange.put_growing(name, content)

        class GrowsOnce(io.BytesIO):
            def write(self, data: Any, /) -> int:
                if not self.tell():
                    exchange.grow(name, b"\x02" * 500_000)
                return super().write(data)

        into = GrowsOnce()
        assert (await client.download(name, into, max_bytes=100_000_000)).size_bytes == len(content)
        assert into.getvalue() == content
        # The surplus must not spoil the next answer.
        assert (await client.info()).version

    async def test_several_downloads_at_once_do_not_mix(self, exchange: Exchange, client: AriClient) -> None:
        contents = {f"{exchange.folder}/{n}": bytes([n]) * 50_000 for n in range(12)}
        for name, content in contents.items():
            exchange.put(name, content, "wav")

        async def fetch(name: str) -> bytes:
            into = io.BytesIO()
            await client.download(name, into, max_bytes=100_000)
            return into.getvalue()

        assert await asyncio.gather(*map(fetch, contents)) == list(contents.values())

    async def test_a_recording_over_the_limit_is_refused(self, exchange: Exchange, client: AriClient) -> None:
        exchange.put(f"{exchange.folder}/large", bytes(1001), "wav")
        with pytest.raises(errors.RecordingTooLarge):
            await client.download(f"{exchange.folder}/large", io.BytesIO(), max_bytes=1000)

    @pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}])
    async def test_a_wrong_sign_in_is_refused(self, exchange: Exchange, wrong: dict[str, str]) -> None:
        async with AriClient(replace(exchange.address, **wrong)) as stranger:
            with pytest.raises(errors.PbxSignInRefused):
                await stranger.recordings()

    async def test_a_wrong_prefix_finds_no_ari(self, exchange: Exchange) -> None:
        async with AriClient(replace(exchange.address, prefix="elsewhere")) as lost:
            with pytest.raises(errors.PbxAriOff):
                await lost.info()

    async def test_it_can_be_told_for_an_asterisk_without_a_password(self, client: AriClient) -> None:
        reply = await client.knock()
        assert reply.status == 401
        assert reply.headers["Server"].startswith("Asterisk/")


class TestSimulator(EveryExchange):
    @pytest.fixture
    def exchange(self) -> Iterator[Exchange]:
        with Simulator() as pbx:
            yield Exchange(
                address=PbxAddress(host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password),
                folder="contract",
                put=pbx.add_recording,
                put_growing=lambda name, content: pbx.add_recording(
                    name, content + bytes(1_000_000), written=len(content)
                ),
                grow=lambda name, more: pbx.append(name, len(more)),
            )


def address_of(pbx: Lab, **changes: Any) -> PbxAddress:
    facts = {"host": pbx.host, "port": pbx.port, "username": pbx.username, "password": pbx.password}
    return PbxAddress(**{**facts, **changes})


@pytest.mark.pbx
class TestAsterisk(EveryExchange):
    @pytest.fixture
    def exchange(self, pbx: Lab) -> Exchange:
        def put(name: str, content: bytes, kind: str) -> None:
            path = pbx.monitor / f"{name}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        def grow(name: str, more: bytes) -> None:
            with (pbx.monitor / f"{name}.wav").open("ab") as file:
                file.write(more)

        return Exchange(
            address=address_of(pbx),
            folder="contract",
            put=put,
            put_growing=lambda name, content: put(name, content, "wav"),
            grow=grow,
        )

    async def test_a_recording_cut_meanwhile_is_incomplete(
        self, exchange: Exchange, client: AriClient, pbx: Lab
    ) -> None:
        content, name = bytes(20_000_000), f"{exchange.folder}/cut"
        exchange.put(name, content, "wav")

        class CutsOnce(io.BytesIO):
            def write(self, data: Any, /) -> int:
                if not self.tell():
                    with (pbx.monitor / f"{name}.wav").open("ab") as file:
                        file.truncate(1000)
                return super().write(data)

        with pytest.raises(errors.RecordingIncomplete):
            await client.download(name, CutsOnce(), max_bytes=len(content))

    async def test_its_certificate_is_refused_until_it_is_pinned(self, exchange: Exchange, pbx: Lab) -> None:
        over_tls = address_of(pbx, port=pbx.tls_port, use_tls=True)
        async with AriClient(over_tls) as client:
            with pytest.raises(errors.PbxCertificateUntrusted):
                await client.info()
        exchange.put(f"{exchange.folder}/call", bytes(100_000), "wav")
        async with AriClient(replace(over_tls, pinned_certificate=pbx.certificate_pem)) as client:
            got = await client.download(f"{exchange.folder}/call", io.BytesIO(), max_bytes=1_000_000)
        assert got.size_bytes == 100_000

    async def test_tls_and_plain_ports_are_told_apart(self, pbx: Lab) -> None:
        async with AriClient(address_of(pbx, use_tls=True)) as client:
            with pytest.raises(errors.PbxPortIsPlain):
                await client.info()
        async with AriClient(address_of(pbx, port=pbx.tls_port)) as client:
            with pytest.raises(errors.PbxClosedSilently):
                await client.info()

    async def test_a_file_of_two_gigabytes_is_refused(self, exchange: Exchange, client: AriClient, pbx: Lab) -> None:
        exchange.put(f"{exchange.folder}/huge", b"RIFF", "wav")
        with (pbx.monitor / exchange.folder / "huge.wav").open("ab") as file:
            # Sparse: it takes no room.
            file.truncate(2**31 + 1)
        with pytest.raises(errors.RecordingTooLarge):
            await client.download(f"{exchange.folder}/huge", io.BytesIO(), max_bytes=2**40)

    async def test_a_name_that_is_not_utf_8_breaks_the_list_but_can_be_fetched(
        self, exchange: Exchange, client: AriClient
    ) -> None:
        name = f"{exchange.folder}/caf\udce9"
        exchange.put(name, b"RIFF", "wav")
        with pytest.raises(errors.PbxListBroken) as raised:
            await client.recordings()
        assert raised.value.facts["spool"] == await client.spool_folder()
        assert (await client.download(name, io.BytesIO(), max_bytes=100)).size_bytes == 4

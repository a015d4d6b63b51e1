"""Ranged answers, against what the bytes really are."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from aftercall.recordings.archive import Archive
from aftercall.web import ranges
from aftercall.web.ranges import ByteRange, Unsatisfiable

CONTENT = bytes(range(256)) * 2500  # more than two portions


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    archive = Archive(tmp_path)
    (tmp_path / "x.wav").write_bytes(CONTENT)
    (tmp_path / "empty.wav").write_bytes(b"")

    def answer(request: Request) -> Response:
        key = f"{request.path_params['name']}.wav"
        return ranges.respond(archive, key, content_type="audio/wav", headers=request.headers, etag="v1")

    return TestClient(Starlette(routes=[Route("/{name}", answer)]))


@given(header=st.text(max_size=40), size=st.integers(0, 10**12))
@example(header="bytes=0-", size=0)
@example(header="bytes=-0", size=5)
@example(header="bytes=٣-٥", size=50)
def test_no_header_brings_it_down_and_what_comes_out_lies_within_the_file(header: str, size: int) -> None:
    try:
        found = ranges.parse(header, size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size


@given(size=st.integers(1, 10_000), first=st.integers(0, 10_000), last=st.integers(0, 20_000))
def test_from_to_is_what_rfc_9110_says(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert ranges.parse(header, size) is None
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            ranges.parse(header, size)
    else:
        assert ranges.parse(header, size) == ByteRange(start=first, end=min(last + 1, size))


@given(size=st.integers(1, 10_000), length=st.integers(1, 20_000))
def test_a_suffix_is_taken_from_the_end(size: int, length: int) -> None:
    assert ranges.parse(f"bytes=-{length}", size) == ByteRange(start=max(0, size - length), end=size)


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "items=0-1", "bytes", "bytes=", "bytes=-", "bytes=a-b"])
def test_what_is_not_understood_gets_the_whole_file(header: str) -> None:
    assert ranges.parse(header, 100) is None


def test_without_a_range_the_whole_file_is_sent(client: TestClient) -> None:
    answer = client.get("/x")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("header", "expected"),
    [("bytes=0-0", CONTENT[:1]), ("bytes=300000-", CONTENT[300000:]), ("bytes=-7", CONTENT[-7:]),
     ("bytes=262143-262144", CONTENT[262143:262145])],
)  # fmt: skip
def test_a_range_gets_exactly_its_bytes(client: TestClient, header: str, expected: bytes) -> None:
    answer = client.get("/x", headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, expected)
    first = CONTENT.index(expected) if header != "bytes=-7" else len(CONTENT) - 7
    if header.startswith("bytes=3"):
        first = 300000
    if header.startswith("bytes=2"):
        first = 262143
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(CONTENT)}"


def test_beyond_the_end_is_416_with_the_size(client: TestClient) -> None:
    answer = client.get("/x", headers={"Range": f"bytes={len(CONTENT)}-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")


def test_an_empty_file_is_an_empty_answer(client: TestClient) -> None:
    assert client.get("/empty").content == b""
    assert client.get("/empty", headers={"Range": "bytes=0-"}).status_code == 416


def test_a_range_of_another_version_gets_the_whole_file(client: TestClient) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"v0"'}
    assert client.get("/x", headers=headers).status_code == 200
    assert client.get("/x", headers=headers | {"If-Range": '"v1"'}).status_code == 206

"""Asterisk's list of recordings, whole and by what differs from the list before."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.pbx import listing

awkward_text = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('"},{:[]\\name')))
lists = st.dictionaries(awkward_text, st.sampled_from(["wav", "WAV", "gsm"]))


def body_of(recordings: Mapping[str, str], *, indent: int | None = None) -> bytes:
    """As Asterisk writes it: sorted by name, without a blank."""
    entries = [{"name": name, "format": recordings[name]} for name in sorted(recordings)]
    separators = None if indent else (",", ":")
    return json.dumps(entries, separators=separators, ensure_ascii=False, indent=indent).encode()


@given(st.dictionaries(awkward_text, awkward_text), st.integers(1, 40))
def test_a_list_read_in_pieces_is_the_same_list(recordings: dict[str, str], piece_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_PIECE_BYTES", piece_bytes)
        assert listing.parse(body_of(recordings)) == recordings


def test_a_list_printed_for_people_is_read_too() -> None:
    recordings = {f"2026/11/23/call-{n:04}": "wav" for n in range(5000)}
    assert list(listing.parse(body_of(recordings, indent=4)).items()) == list(recordings.items())


@given(lists, lists, lists, st.integers(1, 400))
def test_what_differs_turns_the_earlier_list_into_the_new_one(
    kept: dict[str, str], gone: dict[str, str], added: dict[str, str], piece_bytes: int
) -> None:
    earlier, now = {**gone, **kept}, {**kept, **added}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_PIECE_BYTES", piece_bytes)
        read = listing.read(body_of(now), body_of(earlier))
    assert not read.is_whole
    assert read.count == len(now)
    assert {name: kind for name, kind in earlier.items() if name not in read.before} | read.recordings == now


def test_of_a_long_list_only_the_new_stretch_is_read() -> None:
    earlier = {f"2026/11/{day:02}/call-{n:03}": "wav" for day in range(1, 24) for n in range(300)}
    now = earlier | {"2026/11/23/call-150a": "wav", "2026/11/23/call-160a": "wav"}
    read = listing.read(body_of(now), body_of(earlier))
    assert read.recordings.keys() - read.before.keys() == now.keys() - earlier.keys()
    assert len(read.recordings) < 20
    assert read.count == len(now)


def test_the_same_list_again_is_not_read_at_all() -> None:
    body = body_of({"a": "wav", "b": "wav"})
    read = listing.read(body, body)
    assert (read.recordings, read.before, read.count) == ({}, {}, 2)


@pytest.mark.parametrize("earlier", [b"", b"{}", b'[{"format":"wav","name":"a"}]', b"<html>"])
def test_after_something_that_was_no_list_the_whole_one_is_read(earlier: bytes) -> None:
    read = listing.read(body_of({"a": "wav"}), earlier)
    assert (read.is_whole, read.recordings) == (True, {"a": "wav"})


@pytest.mark.parametrize("body", [b"{}", b"null", b"[1]", b'[{"name":"a"}]', b'[{"name":1,"format":"wav"}]', b"[{"])
def test_what_is_no_list_of_recordings_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        listing.read(body, body_of({"a": "wav"}))

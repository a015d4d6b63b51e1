"""Seeded recordings."""

import wave
from datetime import datetime
from pathlib import Path

import pytest
from lab.recordings import seed, silence

from aftercall.pbx import names

NEWEST = datetime(2026, 5, 14, 12, 0)


def test_the_same_arguments_give_the_same_names(tmp_path: Path) -> None:
    one = seed(tmp_path / "one", 50, days=7, content=b"x", newest=NEWEST)
    other = seed(tmp_path / "other", 50, days=7, content=b"x", newest=NEWEST)
    assert one == other
    assert len(set(one)) == 50


def test_each_is_a_file_under_its_day_with_the_content_given(tmp_path: Path) -> None:
    seeded = seed(tmp_path, 20, days=3, content=silence(0.5), newest=NEWEST)
    for name in seeded:
        parsed = names.parse(name)
        assert parsed.started_at_local is not None
        assert name.startswith(f"{parsed.started_at_local:%Y/%m/%d}/")
        with wave.open(str(tmp_path / f"{name}.wav")) as file:
            assert (file.getnframes(), file.getframerate()) == (4000, 8000)


def test_the_last_is_the_newest_and_the_first_is_as_old_as_asked(tmp_path: Path) -> None:
    seeded = seed(tmp_path, 8, days=8, content=b"x", newest=NEWEST)
    days = [names.parse(name).started_at_local.date().day for name in seeded]  # type: ignore[union-attr]
    assert days == list(range(7, 15))


def test_calls_of_every_direction_are_among_them(tmp_path: Path) -> None:
    seeded = seed(tmp_path, 200, days=30, content=b"x", newest=NEWEST)
    assert {names.parse(name).direction for name in seeded} >= {"inbound", "outbound", "internal"}


def test_they_share_their_content_on_the_disk(tmp_path: Path) -> None:
    first, *rest = [tmp_path / f"{name}.wav" for name in seed(tmp_path, 5, days=1, content=b"x", newest=NEWEST)]
    assert {path.stat().st_ino for path in rest} == {first.stat().st_ino}


def test_seeding_the_same_twice_is_an_error(tmp_path: Path) -> None:
    seed(tmp_path, 5, days=1, content=b"x", newest=NEWEST)
    with pytest.raises(FileExistsError):
        seed(tmp_path, 5, days=1, content=b"x", newest=NEWEST)

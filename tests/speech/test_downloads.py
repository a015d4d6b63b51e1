"""Tests of downloads, against a real web server that is slow, breaks off, lies, or says nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures.model_source import (
    ARCHIVE,
    ARCHIVE_PATH,
    FILES,
    QUICK,
    Behaviour,
    ModelSource,
    sha256,
    tar_of,
    tiny_model,
)

from aftercall.errors import (
    ModelArchiveUnsafe,
    ModelBusy,
    ModelDownloadIncomplete,
    ModelDownloadStalled,
    ModelFetchDied,
    ModelsFolderFull,
    ModelSourceRefused,
    ModelSourceUnreachable,
    ModelTooLarge,
    ModelUnknown,
    ModelWrongBytes,
)
from aftercall.speech import importing, models
from aftercall.speech.downloads import Download, Downloads, Progress
from aftercall.speech.fetching import Patience, mirrored
from aftercall.speech.registry import Model, ModelFile, Source

NAME = "tiny-whisper"
HALF = len(ARCHIVE) // 2
PATIENCE_S = 60.0


def ended(download: Download) -> Progress:
    assert download.wait(PATIENCE_S), download.progress
    return download.progress


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def error_of(download: Download) -> object:
    progress = ended(download)
    assert progress.doing == "failed", progress
    return progress.error


def put_in(downloads: Downloads) -> dict[str, bytes]:
    """The files of the tiny model as they lie in the models folder."""
    folder = downloads.folder / NAME
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder)) if name != models.RECORD}


Make = Callable[..., Downloads]


@pytest.fixture
def make(model_source: ModelSource, tmp_path: Path) -> Iterator[Make]:
    """Makes Downloads that know a variant of the tiny model, or have another patience."""
    made: list[Downloads] = []

    def one(model: Model | None = None, patience: Patience = QUICK) -> Downloads:
        made.append(
            Downloads(tmp_path / "models", known=(model or tiny_model(model_source.address),), patience=patience)
        )
        return made[-1]

    yield one
    for each in made:
        each.close()


def behave(source: ModelSource, **how: object) -> Behaviour:
    behaviour = Behaviour(**how)  # type: ignore[arg-type]
    source.behaviours[ARCHIVE_PATH] = behaviour
    return behaviour


# ---- when all goes well -----------------------------------------------------------------------------------------


def test_a_fetched_model_is_there_with_the_files_it_needs_and_no_others(downloads: Downloads) -> None:
    progress = ended(downloads.start(NAME))
    assert (progress.doing, progress.error, progress.put) == ("done", None, NAME)
    assert put_in(downloads) == FILES
    assert sorted(os.listdir(downloads.folder)) == [NAME]


def test_a_fetched_model_is_found_and_verifies(downloads: Downloads) -> None:
    ended(downloads.start(NAME))
    found = models.find(downloads.folder, NAME, downloads.known)
    assert found.size_bytes == sum(map(len, FILES.values()))
    assert {each.outcome for each in models.verify(found)} == {"ok"}


def test_it_can_be_fetched_by_the_name_of_its_archive(downloads: Downloads) -> None:
    assert ended(downloads.start("sherpa-onnx-tiny-whisper")).put == NAME


def test_fetching_again_takes_the_place_of_what_was_there(downloads: Downloads) -> None:
    broken = downloads.folder / NAME / "tiny-tokens.txt"
    broken.parent.mkdir(parents=True)
    broken.write_text("nonsense")
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads) == FILES


def test_a_model_may_come_as_single_files(model_source: ModelSource, make: Make) -> None:
    one = FILES["tiny-encoder.int8.onnx"]
    sources = tuple(
        Source(
            url=model_source.publish(f"/files/{name}", content),
            size_bytes=len(content),
            sha256=sha256(content),
            keeps=((name, name),),
        )
        for name, content in FILES.items()
    )
    downloads = make(replace(tiny_model(""), sources=sources))
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads)["tiny-encoder.int8.onnx"] == one
    assert [path for path, _ in model_source.requests] == [f"/files/{name}" for name in FILES]


def test_a_mirror_takes_the_place_of_scheme_and_host() -> None:
    url = "https://models.example.com/a/b.tar.bz2"
    assert mirrored(url, "http://192.0.2.1:8000/copies/") == "http://192.0.2.1:8000/copies/a/b.tar.bz2"
    assert mirrored(url, None) == url


def test_from_a_mirror_come_the_same_checked_files(model_source: ModelSource, make: Make) -> None:
    model_source.publish(f"/copies{ARCHIVE_PATH}", ARCHIVE)
    downloads = make(tiny_model("https://models.example.com"))
    progress = ended(downloads.start(NAME, mirror=f"{model_source.address}/copies"))
    assert progress.doing == "done"
    assert [path for path, _ in model_source.requests] == [f"/copies{ARCHIVE_PATH}"]


def test_progress_tells_bytes_speed_and_host_while_it_comes(model_source: ModelSource, downloads: Downloads) -> None:
    behaviour = behave(model_source, waits_after=HALF)
    download = downloads.start(NAME)
    until(lambda: download.progress.done_bytes > 0)
    progress = download.progress
    assert (progress.doing, progress.total_bytes, progress.host) == ("fetching", len(ARCHIVE), "127.0.0.1")
    assert progress.share is not None
    assert 0 < progress.share <= HALF / len(ARCHIVE)
    behaviour.go_on.set()
    assert ended(download).doing == "done"


def test_the_time_left_follows_from_the_speed() -> None:
    progress = Progress(name=NAME, kind="fetch", done_bytes=400, total_bytes=1000, bytes_per_s=50.0)
    assert progress.left_s == 12.0
    assert replace(progress, total_bytes=None).left_s is None


def test_a_second_request_joins_the_first(model_source: ModelSource, downloads: Downloads) -> None:
    behaviour = behave(model_source, waits_after=HALF)
    first = downloads.start(NAME)
    until(lambda: first.progress.done_bytes > 0)
    assert downloads.start(NAME) is first
    behaviour.go_on.set()
    assert ended(first).doing == "done"
    assert len(model_source.requests) == 1


def test_another_process_is_told_that_it_is_being_fetched(model_source: ModelSource, make: Make) -> None:
    behaviour = behave(model_source, waits_after=HALF)
    first = make().start(NAME)
    until(lambda: first.progress.done_bytes > 0)
    assert isinstance(error_of(make().start(NAME)), ModelBusy)
    behaviour.go_on.set()
    assert ended(first).doing == "done"


def test_an_unknown_model_is_named_with_the_known_ones(downloads: Downloads) -> None:
    with pytest.raises(ModelUnknown, match="tiny-whisper"):
        downloads.start("parrot")


# ---- lines that break -------------------------------------------------------------------------------------------


def test_a_line_that_breaks_is_taken_up_where_it_broke(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, cuts=2, cut_after=HALF // 2)
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads) == FILES
    ranges = [headers.get("range") for _, headers in model_source.requests]
    assert ranges == [None, f"bytes={HALF // 2}-", f"bytes={HALF // 2 * 2}-"]
    assert model_source.requests[1][1]["if-range"] == '"one"'


def test_a_server_that_ignores_ranges_is_read_from_the_start(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, cuts=1, cut_after=HALF, takes_ranges=False)
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads) == FILES


def test_without_an_etag_the_checksum_says_whether_the_rest_fits(
    model_source: ModelSource, downloads: Downloads
) -> None:
    behave(model_source, cuts=1, cut_after=HALF, etag="")
    assert ended(downloads.start(NAME)).doing == "done"
    assert model_source.requests[1][1]["range"] == f"bytes={HALF}-"


def test_another_file_in_its_place_is_read_from_the_start(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, waits_after=HALF)
    download = downloads.start(NAME)
    until(lambda: download.progress.done_bytes > 0)
    downloads.cancel(NAME)
    behave(model_source, etag='"two"')
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads) == FILES


def test_a_part_that_is_longer_than_the_file_is_dropped(model_source: ModelSource, make: Make) -> None:
    downloads = make(tiny_model(model_source.address, size_bytes=None))
    workshop = downloads.folder / f"{models.FETCHING}{NAME}"
    workshop.mkdir(parents=True)
    (workshop / "0.part").write_bytes(bytes(len(ARCHIVE) + 10))
    (workshop / "0.json").write_text(f'{{"url": "{model_source.address}{ARCHIVE_PATH}", "etag": "\\"one\\""}}')
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads) == FILES


def test_a_part_that_is_all_there_is_not_fetched_again(model_source: ModelSource, make: Make) -> None:
    downloads = make(tiny_model(model_source.address, size_bytes=None))
    workshop = downloads.folder / f"{models.FETCHING}{NAME}"
    workshop.mkdir(parents=True)
    (workshop / "0.part").write_bytes(ARCHIVE)
    (workshop / "0.json").write_text(f'{{"url": "{model_source.address}{ARCHIVE_PATH}", "etag": "\\"one\\""}}')
    assert ended(downloads.start(NAME)).doing == "done"
    assert [headers["range"] for _, headers in model_source.requests] == [f"bytes={len(ARCHIVE)}-"]


def test_a_line_that_keeps_breaking_at_the_same_place_is_given_up_and_the_part_kept(
    model_source: ModelSource, downloads: Downloads
) -> None:
    behaviour = behave(model_source, cuts=1, cut_after=HALF)
    behaviour_after = Behaviour(cuts=100, cut_after=0)
    download = downloads.start(NAME)
    until(lambda: behaviour.cuts == 0)
    model_source.behaviours[ARCHIVE_PATH] = behaviour_after
    error = error_of(download)
    assert isinstance(error, ModelDownloadIncomplete)
    assert error.facts["received"] == str(HALF)
    assert models.leftover_bytes(downloads.folder, NAME) == HALF


def test_a_server_that_has_too_much_to_do_is_asked_again(model_source: ModelSource, downloads: Downloads) -> None:
    behaviour = behave(model_source, status=503)
    download = downloads.start(NAME)
    until(lambda: model_source.requests)
    behaviour.status = 200
    assert ended(download).doing == "done"


# ---- time -------------------------------------------------------------------------------------------------------


def test_a_server_that_never_answers_is_given_up(model_source: ModelSource, make: Make) -> None:
    behave(model_source, is_silent=True)
    downloads = make(patience=replace(QUICK, silence_s=3.0, tries=9))
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelDownloadStalled)
    assert "3 seconds" in error.why


def test_a_download_that_stops_in_the_middle_goes_on_by_itself(model_source: ModelSource, make: Make) -> None:
    behave(model_source, waits_after=HALF)
    assert ended(make(patience=replace(QUICK, silence_s=4.0)).start(NAME)).doing == "done"
    assert [headers.get("range") for _, headers in model_source.requests] == [None, f"bytes={HALF}-"]


def test_a_download_that_stops_and_stays_so_is_given_up_and_its_part_kept(
    model_source: ModelSource, make: Make
) -> None:
    behave(model_source, waits_after=HALF)
    download = make(patience=replace(QUICK, silence_s=4.0, tries=9)).start(NAME)
    until(lambda: download.progress.done_bytes > 0)
    behave(model_source, is_silent=True)
    assert isinstance(error_of(download), ModelDownloadStalled)
    behave(model_source)
    assert ended(make().start(NAME)).doing == "done"
    assert model_source.requests[-1][1]["range"] == f"bytes={HALF}-"


def test_a_process_that_no_longer_moves_is_ended_from_outside(model_source: ModelSource, make: Make) -> None:
    behave(model_source, waits_after=HALF)
    download = make(patience=replace(QUICK, silence_s=6.0)).start(NAME)
    until(lambda: download.progress.done_bytes > 0)
    assert download.pid
    os.kill(download.pid, signal.SIGSTOP)
    assert isinstance(error_of(download), ModelDownloadStalled)
    assert not is_alive(download.pid)


def test_the_whole_may_not_take_longer_than_its_time(model_source: ModelSource, make: Make) -> None:
    behave(model_source, waits_after=HALF)
    error = error_of(make(patience=replace(QUICK, overall_s=3.0)).start(NAME))
    assert isinstance(error, ModelDownloadStalled)
    assert "3 seconds" in error.why


# ---- lies -------------------------------------------------------------------------------------------------------


def test_a_server_that_announces_more_than_there_is(model_source: ModelSource, make: Make) -> None:
    behave(model_source, lies_by=1000, etag="")
    downloads = make(tiny_model(model_source.address, size_bytes=None, is_summed=False))
    assert isinstance(error_of(downloads.start(NAME)), ModelDownloadIncomplete)


def test_a_server_that_announces_less_than_there_is(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, lies_by=-1000)
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelWrongBytes)
    assert error.facts["found"] == str(len(ARCHIVE) - 1000)


def test_a_server_that_never_stops_sending(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, is_endless=True)
    assert isinstance(error_of(downloads.start(NAME)), ModelTooLarge)
    assert models.leftover_bytes(downloads.folder, NAME) == 0


def test_wrong_bytes_are_named_thrown_away_and_never_installed(model_source: ModelSource, downloads: Downloads) -> None:
    wrong = ARCHIVE[:-1] + bytes([ARCHIVE[-1] ^ 1])
    model_source.publish(ARCHIVE_PATH, wrong)
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelWrongBytes)
    assert (error.facts["measure"], error.facts["found"]) == ("SHA-256", sha256(wrong))
    assert models.installed(downloads.folder, downloads.known) == []
    assert models.leftover_bytes(downloads.folder, NAME) == 0


def test_wrong_files_in_a_right_archive_are_never_installed(model_source: ModelSource, make: Make) -> None:
    other = tar_of({f"x/{name}": content[::-1] for name, content in FILES.items()})
    model_source.publish(ARCHIVE_PATH, other)
    downloads = make(tiny_model(model_source.address, archive=other, size_bytes=len(other)))
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelWrongBytes)
    assert models.installed(downloads.folder, downloads.known) == []


def test_an_unsafe_archive_is_not_unpacked(model_source: ModelSource, make: Make) -> None:
    evil = tar_of({"../../evil": b"x", **{f"x/{name}": content for name, content in FILES.items()}})
    model_source.publish(ARCHIVE_PATH, evil)
    downloads = make(tiny_model(model_source.address, archive=evil, size_bytes=len(evil)))
    assert isinstance(error_of(downloads.start(NAME)), ModelArchiveUnsafe)
    assert not (downloads.folder.parent / "evil").exists()


# ---- answers that are no file -----------------------------------------------------------------------------------


def test_a_missing_file_is_said_with_its_address(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, status=404)
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelSourceRefused)
    assert "404" in error.why
    assert f"{model_source.address}{ARCHIVE_PATH}" in error.fix


def test_a_web_page_is_not_taken_for_a_model(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, content_type="text/html; charset=utf-8")
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelSourceRefused)
    assert "web page" in error.why


def test_a_redirect_to_another_place_is_followed(model_source: ModelSource, downloads: Downloads) -> None:
    elsewhere = model_source.publish("/elsewhere", ARCHIVE)
    behave(model_source, status=302, location=elsewhere)
    assert ended(downloads.start(NAME)).doing == "done"


def test_redirects_in_a_circle_are_left(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, status=302, location=ARCHIVE_PATH)
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelSourceRefused)
    assert len(model_source.requests) == 6


def test_a_redirect_to_a_file_of_this_machine_is_refused(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, status=302, location="file:///etc/passwd")
    assert isinstance(error_of(downloads.start(NAME)), ModelSourceRefused)


def test_nobody_at_the_address(model_source: ModelSource, make: Make) -> None:
    downloads = make(tiny_model("http://127.0.0.1:9"))
    error = error_of(downloads.start(NAME))
    assert isinstance(error, ModelSourceUnreachable)
    assert error.facts["host"] == "127.0.0.1:9"


# ---- ends -------------------------------------------------------------------------------------------------------


def test_a_cancelled_fetch_keeps_its_part_and_goes_on_from_there(
    model_source: ModelSource, downloads: Downloads
) -> None:
    behave(model_source, waits_after=HALF)
    download = downloads.start(NAME)
    until(lambda: (models.leftover_bytes(downloads.folder, NAME) or 0) > 0)
    downloads.cancel(NAME)
    assert download.progress.doing == "cancelled"
    kept = models.leftover_bytes(downloads.folder, NAME)
    behave(model_source)
    assert ended(downloads.start(NAME)).doing == "done"
    assert model_source.requests[-1][1]["range"] == f"bytes={kept}-"
    assert models.leftover_bytes(downloads.folder, NAME) is None


def test_a_killed_fetcher_is_said_and_its_part_goes_on(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, waits_after=HALF)
    download = downloads.start(NAME)
    until(lambda: (models.leftover_bytes(downloads.folder, NAME) or 0) > 0)
    assert download.pid
    os.kill(download.pid, signal.SIGKILL)
    error = error_of(download)
    assert isinstance(error, ModelFetchDied)
    assert "-9" in error.why
    behave(model_source)
    assert ended(downloads.start(NAME)).doing == "done"
    assert put_in(downloads) == FILES


def test_a_fetcher_dies_with_the_process_that_started_it(model_source: ModelSource, tmp_path: Path) -> None:
    behave(model_source, waits_after=HALF)
    script = (
        "import sys, time; from pathlib import Path; from tests.fixtures.model_source import QUICK, tiny_model\n"
        "from aftercall.speech.downloads import Downloads\n"
        "downloads = Downloads(Path(sys.argv[2]), known=(tiny_model(sys.argv[1]),), patience=QUICK)\n"
        "download = downloads.start('tiny-whisper')\n"
        "while not download.progress.done_bytes: time.sleep(0.02)\n"
        "print(download.pid, flush=True); time.sleep(100)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, model_source.address, str(tmp_path / "models")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    until(lambda: not is_alive(pid))


def test_no_room_is_said_before_anything_is_fetched(model_source: ModelSource, make: Make) -> None:
    huge = replace(
        tiny_model(model_source.address), files=(ModelFile(name="tiny-tokens.txt", size_bytes=10**18, sha256=None),)
    )
    error = error_of(make(huge).start(NAME))
    assert isinstance(error, ModelsFolderFull)
    assert error.facts["needed_mb"] > 10**11
    assert model_source.requests == []


def test_removing_deletes_the_model_and_what_a_fetch_has_left(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, waits_after=HALF)
    download = downloads.start(NAME)
    until(lambda: download.progress.done_bytes > 0)
    downloads.remove(NAME)
    assert os.listdir(downloads.folder) == []
    assert downloads.get(NAME) is None


def test_closing_ends_what_is_under_way(model_source: ModelSource, downloads: Downloads) -> None:
    behave(model_source, waits_after=HALF)
    download = downloads.start(NAME)
    until(lambda: download.pid)
    downloads.close()
    assert download.progress.doing == "cancelled"


def test_an_import_runs_the_same_way(downloads: Downloads, tmp_path: Path) -> None:
    (tmp_path / "model.tar.bz2").write_bytes(ARCHIVE)
    progress = ended(downloads.start_import([tmp_path / "model.tar.bz2"]))
    assert (progress.doing, progress.put) == ("done", NAME)
    assert put_in(downloads) == FILES
    assert sorted(os.listdir(downloads.folder)) == [NAME]


def test_what_was_sent_here_is_deleted_with_its_workshop(downloads: Downloads) -> None:
    workshop = importing.new_workshop(downloads.folder)
    workshop.mkdir(parents=True)
    (workshop / "model.tar.bz2").write_bytes(ARCHIVE)
    assert ended(downloads.start_import([workshop / "model.tar.bz2"], workshop=workshop)).doing == "done"
    assert sorted(os.listdir(downloads.folder)) == [NAME]


def test_an_import_that_is_cut_off_leaves_nothing(downloads: Downloads) -> None:
    workshop = importing.new_workshop(downloads.folder)
    workshop.mkdir(parents=True)
    (workshop / "model.tar.bz2").write_bytes(ARCHIVE)
    download = downloads.start_import([workshop / "model.tar.bz2"], workshop=workshop)
    until(lambda: download.pid)
    assert download.pid
    os.kill(download.pid, signal.SIGSTOP)
    downloads.cancel(str(workshop / "model.tar.bz2"))
    assert download.progress.doing == "cancelled"
    assert os.listdir(downloads.folder) == []


def test_what_was_cut_off_long_ago_is_swept_away(downloads: Downloads, tmp_path: Path) -> None:
    old, new = importing.new_workshop(downloads.folder), importing.new_workshop(downloads.folder)
    for each in (old, new):
        each.mkdir(parents=True)
    long_ago = time.time() - importing.STALE_S - 60
    os.utime(old, (long_ago, long_ago))
    ended(downloads.start_import([tmp_path / "nothing"]))
    assert os.listdir(downloads.folder) == [new.name]


def test_files_that_will_never_do_are_fetched_anew(model_source: ModelSource, make: Make) -> None:
    other = tar_of({f"x/{name}": content[::-1] for name, content in FILES.items()})
    model_source.publish(ARCHIVE_PATH, other)
    downloads = make(tiny_model(model_source.address, size_bytes=None, is_summed=False))
    assert isinstance(error_of(downloads.start(NAME)), ModelWrongBytes)
    model_source.publish(ARCHIVE_PATH, ARCHIVE)
    assert ended(downloads.start(NAME)).doing == "done"

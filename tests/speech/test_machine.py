"""Tests of what is said about this machine."""

import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from aftercall.errors import MachineNotMeasured
from aftercall.speech import machine, probing
from aftercall.speech.machine import Machine, Probe

OFFICE = Machine(
    cores=4, memory_bytes=8_000_000_000, free_memory_bytes=5_000_000_000, free_disk_bytes=10**11, has_vnni=True
)
PROBE = Probe(method="int8", threads=3, one_thread=144e9, all_threads=288e9, took_s=5.0)


def with_memory(gigabytes: float) -> Machine:
    return Machine(
        cores=2, memory_bytes=int(gigabytes * 1e9), free_memory_bytes=10**9, free_disk_bytes=10**11, has_vnni=True
    )


@pytest.mark.parametrize(
    ("said", "cores"),
    [("", 8), ("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8), ("x", 8)],
)
def test_a_container_has_the_cores_its_share_of_time_is_worth(said: str, cores: int) -> None:
    assert machine.cores_within(8, said) == cores


def test_a_container_has_the_memory_it_is_given() -> None:
    meminfo = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:   8000000 kB\n"
    assert machine.memory_within(meminfo, "", "") == (16_384_000_000, 8_192_000_000)
    assert machine.memory_within(meminfo, "max\n", "5\n") == (16_384_000_000, 8_192_000_000)
    assert machine.memory_within(meminfo, "4000000000\n", "1000000000\n") == (4_000_000_000, 3_000_000_000)


def test_instructions_for_8_bits_are_seen() -> None:
    assert machine.has_vnni("flags\t\t: fpu avx2 avx512_vnni\n")
    assert machine.has_vnni("Features\t: fp asimd asimddp\n")
    assert not machine.has_vnni("flags\t\t: fpu avx2\n")


def test_the_estimate_is_a_share_of_the_products_speed() -> None:
    assert machine.estimate(PROBE, has_vnni=True) == pytest.approx((6.0, 12.0))


def test_without_onnxruntime_the_gain_of_8_bits_is_estimated_too() -> None:
    plain = Probe(method="float32", threads=1, one_thread=72e9, all_threads=72e9, took_s=5.0)
    assert machine.estimate(plain, has_vnni=True) == pytest.approx((4.5, 13.5))
    assert machine.estimate(plain, has_vnni=False) == pytest.approx((1.5, 6.0))


def test_an_office_machine_gets_parakeet_with_the_reason() -> None:
    advice = machine.advise(OFFICE, PROBE)
    assert advice.model == "parakeet-tdt-0.6b-v3-int8"
    assert "4 cores and 8.0 GB" in advice.reason
    assert advice.estimate == pytest.approx((6.0, 12.0))


def test_without_a_measurement_there_is_no_figure() -> None:
    assert machine.advise(OFFICE, None).estimate is None


def test_what_is_here_is_not_proposed_as_new() -> None:
    assert "is here" in machine.advise(OFFICE, None, ["parakeet-tdt-0.6b-v3-int8"]).reason


@pytest.mark.parametrize(("gigabytes", "model"), [(1, None), (2, "whisper-base"), (4, "parakeet-tdt-0.6b-v3-int8")])
def test_little_memory_takes_a_small_model_or_none(gigabytes: float, model: str | None) -> None:
    assert machine.advise(with_memory(gigabytes), PROBE).model == model


def test_a_slow_machine_is_told_so() -> None:
    slow = Probe(method="int8", threads=1, one_thread=10e9, all_threads=10e9, took_s=5.0)
    assert "longer than the calls last" in machine.advise(OFFICE, slow).reason


def test_looking_finds_this_machine(tmp_path: Path) -> None:
    looked = machine.look(tmp_path / "not" / "made" / "yet")
    assert looked.cores >= 1
    assert 0 < looked.free_memory_bytes <= looked.memory_bytes
    assert looked.free_disk_bytes > 0


def test_measuring_multiplies_in_a_process_of_its_own() -> None:
    probe = machine.measure(1, seconds=0.2)
    assert probe.one_thread == probe.all_threads > 1e6
    assert (probe.method, probe.threads) == ("int8", 1)


def test_a_measurement_that_dies_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MachineNotMeasured):
        machine.measure(1, seconds=0.1)


def test_the_graph_is_one_product_of_8_bit_numbers() -> None:
    def port(name: str, kind: int, *shape: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "p",
        [port("a", TensorProto.UINT8, "m", "k"), port("b", TensorProto.INT8, "k", "n")],
        [port("c", TensorProto.INT32, "m", "n")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="")
    assert onnx.load_from_string(probing.GRAPH) == made

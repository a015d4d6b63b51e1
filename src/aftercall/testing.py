"""This file offers the simulated PBX to tests, ours and those of programs that build on Aftercall."""

from aftercall.demo.faults import Fault
from aftercall.demo.media import wav, wav_header
from aftercall.demo.simulator import SeenRequest, Simulator
from aftercall.demo.spool import StoredFile

__all__ = ["Fault", "SeenRequest", "Simulator", "StoredFile", "wav", "wav_header"]

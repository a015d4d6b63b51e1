"""Aftercall: self-hosted AI call analysis for FreePBX and Asterisk."""

__version__ = "0.1.0"

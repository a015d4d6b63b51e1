"""Samples to words to turns."""

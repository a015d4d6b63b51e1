"""Measured ratios, each against a stated baseline of the same run; nothing here is a test."""

"""The speech engines: one plug-in, one file."""

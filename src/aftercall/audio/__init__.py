"""Bytes to samples: decode, look at the channels, find the speech, level it, draw it."""

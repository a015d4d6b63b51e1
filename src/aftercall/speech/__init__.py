"""Samples to words to turns: the engines, and what is made of their words."""

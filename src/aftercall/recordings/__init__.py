"""Bringing recordings home: what is missing, fetching it, keeping it."""

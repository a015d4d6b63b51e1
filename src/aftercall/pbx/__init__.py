"""The exchange: how we talk to Asterisk and what its names mean."""

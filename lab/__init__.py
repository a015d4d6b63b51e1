"""A real Asterisk for tests: unpacked from Debian's packages, on loopback, laid out as FreePBX lays its files out."""

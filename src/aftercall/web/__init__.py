"""The front room: pages and API."""

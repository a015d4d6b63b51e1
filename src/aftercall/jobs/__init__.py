"""The corridor: the walk of a call through the rooms, durably."""

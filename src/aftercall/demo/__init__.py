"""A PBX simulator that speaks ARI, and the demo calls."""

"""What the house remembers."""

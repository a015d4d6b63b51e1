"""What the longer commands do, one file each; `cli.py` only reads their options."""

"""What a run folder holds: its files, their schema, and how they are written and read."""

"""The main job: search, recalibrate, train the best in full, prove that they fit."""

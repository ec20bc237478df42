"""Calibration: from layers measured on boards to the coefficients of a runtime, with errors of layers not seen."""

"""Lists as a whole: diversity and calibration."""

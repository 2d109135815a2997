"""From a float graph and calibration data to a quantised one."""

"""What each operator of a TFLite file becomes."""

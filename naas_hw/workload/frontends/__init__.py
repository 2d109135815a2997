"""Reads a trained model as layers, and says what becomes of each of its operators."""

"""The numbers of a layer: int8 tensors, requantisation, the golden convolution."""

"""From quantize and dequantize operators to integer operators: what each kind becomes."""

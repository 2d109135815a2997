"""An accelerator on an FPGA: synthesis, place and route, utilisation and clock."""

"""An accelerator on an FPGA or a board: synthesis, place and route, clock, bitstream."""

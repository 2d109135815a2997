"""What stands beside an accelerator on a board: a serial port to a host, and a memory."""

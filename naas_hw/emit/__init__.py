"""Generated hardware as files: Verilog, its lint, and a package that tests itself."""

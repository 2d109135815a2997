"""What a host needs to run a network: the program file, its inputs and outputs, the driver."""

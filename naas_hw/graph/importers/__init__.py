"""From files of trained models to a `Graph`."""

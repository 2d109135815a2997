"""From a layer and its mapping to what the hardware reads: descriptor, images, program."""

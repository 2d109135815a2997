"""How accurate a network is, and where that figure comes from."""

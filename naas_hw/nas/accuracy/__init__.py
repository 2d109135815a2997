"""How accurate a network is, and what that figure is worth."""

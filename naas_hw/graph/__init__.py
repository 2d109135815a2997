"""A trained model with its values: operators, tensors, their quantised form, and what it means."""

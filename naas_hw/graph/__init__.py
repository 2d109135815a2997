"""A trained model with its values: operators, tensors, and their quantised form."""

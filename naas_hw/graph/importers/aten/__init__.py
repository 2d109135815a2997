"""What the operators of torch (ATen) are in a `Graph`: one file for each family of operators."""

"""Small components that engines are made of: nests of loops, queues, credits."""

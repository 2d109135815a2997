"""From a trained model to layers: what becomes of each of its operators."""

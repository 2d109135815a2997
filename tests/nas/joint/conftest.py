"""The tiny space can be imported, as one's own is."""

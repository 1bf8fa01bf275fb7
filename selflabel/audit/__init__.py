"""How wrong the labels may be: the draw, the bounds, the certificate and its sentences."""

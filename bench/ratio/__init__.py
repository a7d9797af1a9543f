"""How fast one model is in proportion to others, measured in turns."""

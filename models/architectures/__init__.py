"""The architectures: a builder a file. It calls nothing else of ours."""

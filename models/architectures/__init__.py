"""The architectures: a builder a file. It calls nothing of ours."""

"""A `.tflite` file: its card, its graph, what its metadata says. It calls `data`
and `preprocessing`."""

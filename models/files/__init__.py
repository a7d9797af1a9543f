"""A `.tflite` file: its card, its graph. It calls nothing of ours."""

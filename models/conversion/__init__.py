"""From a Keras model to `.tflite` files, behind one function. It calls `training`."""

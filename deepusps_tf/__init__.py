"""DeepUSPS in TensorFlow/Keras: a salient-object segmentation model from unlabelled photos."""

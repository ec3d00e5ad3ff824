"""Training data: mesh datasets, generated shapes, captions, filters, augmentation and the store of samples."""

"""Every feature once: name, type, meaning, fold, combine; the vector order."""

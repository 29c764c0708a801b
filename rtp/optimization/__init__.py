"""Training rows, fit, evaluation and promotion of models."""

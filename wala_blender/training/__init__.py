"""Training: data, losses and loops. Only the command line, evaluation and benchmarks import it."""

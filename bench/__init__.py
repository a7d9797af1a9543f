"""The benchmarks, and the measuring code that they stand on."""

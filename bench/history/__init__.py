"""Many results: put in the order of their commits. It calls `results` and `statistics`."""

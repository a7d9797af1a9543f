"""The search for a network's shape under a budget: accuracy against latency."""

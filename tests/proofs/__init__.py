"""What proves a claim once, each run by a tox environment; pytest collects none of it."""

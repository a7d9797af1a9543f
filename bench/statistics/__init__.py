"""Pure functions of numbers: intervals, the sequential test. It calls nothing of ours."""

"""What is measured, and all that makes and runs it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The project's directory: where `python -m models` and `python -m bench` are found."""

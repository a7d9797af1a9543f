"""What is measured, and all that makes and runs it."""

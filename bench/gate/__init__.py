"""The gate: is this working tree slower, larger or less accurate than another revision?"""

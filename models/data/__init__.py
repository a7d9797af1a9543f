"""The photographs: where they are, how they are split, how to get them.

It calls nothing of ours.
"""

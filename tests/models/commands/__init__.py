"""Tests of what the models' commands share."""

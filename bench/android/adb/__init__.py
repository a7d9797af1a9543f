"""Reaching a device over ADB: the server, discovery, commands, files, typed errors.

It calls models.
"""

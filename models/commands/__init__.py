"""The subcommands of `python -m models`, a module each: they parse, call and print.

It calls `data`, `files`, `judging`, `preprocessing`, `running`, `terminal`, `training`, `zoo`.
"""

"""The subcommands of `python -m models`, a module each.

It calls `conversion`, `data`, `files`, `judging`, `preprocessing`, `running`, `terminal`,
`training`, `zoo`.
"""

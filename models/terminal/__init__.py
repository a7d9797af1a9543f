"""What a person sees on the command line, shared by all commands and by pytest's plugins: options,
what is printed while work goes on, tables.

It calls `data`, `files`, `preprocessing`, `running` and `zoo`.
"""

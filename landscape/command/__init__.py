"""The command: compose (``config``) -> jobs (``plan``, ``launch``, ``forecast``) -> one job (``prepare``, ``job``) ->
all of them (``collect``, ``closing``). It may import every room, and no room imports it.
"""

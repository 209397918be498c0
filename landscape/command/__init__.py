"""The command, from what somebody types to an exit status. It may import every room, and no room imports it.

``command_line`` checks the arguments and lets Hydra compose them by the schemas of ``config``; ``plan`` lists the jobs,
``forecast`` says how long they take, and ``launch`` runs each as a ``task``: its config under ``limits``, its nodes
instantiated by ``prepare`` (held against their ``arguments``), and a ``job`` that trains, measures and judges.
``collect`` begins and ends it all, ``closing`` tells the tracker, and ``paper`` is one such command after another.
"""

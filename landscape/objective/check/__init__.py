"""What has no J is refused, in one sentence, when an objective is made, on a few examples.

``fitting``: module, cost and data fit one another, to the last target and token. ``conduct``: what the module draws and
changes in training mode, so that ``stochastic`` has on what is random and nothing else. ``soundness``: J is a function
of theta and of each example alone. ``kept``: nothing is kept from one point to the next. Each takes ``Batches``, and
knows no objective.
"""

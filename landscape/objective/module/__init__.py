"""Somebody's module, which is copied and never touched.

``template``: a copy in evaluation mode without wrappers, lazy layers or gradients. ``borrowed``: that copy with given
tensors in place of its own, for one call. ``safe``: whether all its code is torch's or ours, which writes into nothing
that it is given; others get copies. ``watch``: what a pass reads, writes and draws, seen operator by operator.
"""

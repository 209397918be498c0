"""Somebody's module: a copy that computes with given tensors (``template``, ``borrowed``), watched for what it reads,
writes and draws (``watch``), and how it behaves in training mode (``conduct``).
"""

"""Proofs about J along the line of a deep linear network: every critical point, isolated in exact arithmetic.

``certify`` asks Descartes' rule about the coefficients of J', which ``residue`` knows as integers and
``float_certificate`` as float64 with proven bounds; ``file`` reads such a line from a file and prints the proof.
"""

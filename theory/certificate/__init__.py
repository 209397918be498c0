"""Proofs about J along the line of a deep linear network: every critical point, isolated in exact arithmetic.

J is a polynomial, and its slope changes sign no more often than the slope's Bernstein coefficients do; so signs of
coefficients, known for certain, are a proof. ``certify`` asks Descartes' rule about them and halves the interval until
each piece holds one critical point or none. It has the signs from ``float_certificate``, float64 with a proven bound
on its rounding, where these tell, else from ``residue``, which computes the coefficients as integers. ``file`` reads a
line from a file, and prints and draws the proof.
"""

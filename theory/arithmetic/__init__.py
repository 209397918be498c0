"""Numbers that a proof can lean on: polynomials in Bernstein form, Descartes' rule on integers, outward-rounded
intervals, and jets (truncated power series) that carry derivatives of any order.
"""

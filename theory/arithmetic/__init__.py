"""Numbers that a proof can lean on: polynomials in Bernstein form, Descartes' rule on integers, outward-rounded
intervals, and jets (truncated power series) that carry derivatives of any order. A curve is held by its Bernstein
coefficients, because averages of them are its values; ``polynomial`` finds roots in float64, ``descartes`` proves them.
"""

"""Deep linear networks: J along a line (``curve``; one unit per layer: ``scalar``), on a plane (``plane``), on average
over random starts (``statistics``), of the logits (``logits``), and its second derivatives (``hessian``); and how they
learn: one mode (``deep_mode``, ``dynamics``, where its flow ends: ``flow_limit``), balanced layers (``balanced``), runs
seen from the line (``projected``). All start from the same picture: the product of layers that move on a line is a
polynomial, so its coefficients and the data's second moments are all there is. A file ``x_steps`` holds the proofs
behind ``x``.
"""

from theory.deep_linear.curve import Line as Line
from theory.deep_linear.curve import Moments as Moments
from theory.deep_linear.curve import line as line
from theory.deep_linear.curve import moments as moments

"""One drawing and one list of verdicts per figure; from saved results alone, without torch.

Each figure's module has ``draw(results) -> matplotlib.figure.Figure`` and ``judge(results) -> list[Verdict]``; both
take any non-empty part of a sweep's results and do what that part allows. ``judge`` is a table of ``checks`` and one
loop over it: a check looks for its evidence in a job, and ``reading`` says of one seed of it what is there to be read.
What a figure draws is made of ``panel``s in one ``style``, below a ``caption`` that calls jobs by their ``naming``. No
figure knows another: what two of them say or draw stands beside them (``claims``, ``two_solutions``, ``track``,
``exact``), and ``sweep`` says it of any result that no figure of the paper covers.
"""

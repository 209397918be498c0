"""One drawing and one list of verdicts per figure; from saved results alone, without torch.

Each module has ``draw(results) -> matplotlib.figure.Figure`` and ``judge(results) -> list[Verdict]``; both take any
non-empty part of a sweep's results and do what that part allows.
"""

"""No tracking: everything worth keeping is in the job's own folder anyway."""

from __future__ import annotations

from landscape.tracker import Tracker


class NullTracker(Tracker):
    """A tracker that records nothing and opens nothing: it does nothing of what a tracker may do."""

    watches = False

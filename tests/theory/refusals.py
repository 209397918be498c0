"""What every topic of theory owes wrong input: a ValueError of one sentence on one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest


def refused(cases: Sequence[tuple[Callable[[], object], str]], end: str = ".") -> None:
    """Fail unless each call raises a ValueError on one line that matches its words and ends as said."""
    for call, words in cases:
        with pytest.raises(ValueError, match=words) as caught:
            call()
        said = str(caught.value)
        assert "\n" not in said and said.endswith(end), said

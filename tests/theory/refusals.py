"""What every topic of theory owes wrong input: a ValueError of one sentence on one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def refuses(*cases: tuple[Callable[[], object], str], end: str = "") -> Callable[..., None]:
    """A test, a row for each call: it raises a ValueError on one line that matches its words and ends as said."""

    @pytest.mark.parametrize(("call", "words"), cases)
    def test(call: Callable[[], object], words: str) -> None:
        with pytest.raises(ValueError, match=words) as caught:
            call()
        said = str(caught.value)
        assert "\n" not in said and said.endswith(end), said

    return test

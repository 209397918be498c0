"""The page of derivations: complete, Markdown that renders, and docs/theory.md up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sympy

from theory import page
from theory.__main__ import NAMES, main
from theory.derivation import Derivation, Step

DOCUMENT = Path(__file__).parents[2] / "docs" / "theory.md"
COMMAND = "python -m theory page docs/theory.md"


@pytest.fixture(scope="module")
def rendered() -> str:
    return page.render(NAMES)


def example() -> Derivation:
    x, rate = sympy.Symbol("x"), sympy.Function("rate")
    steps = {
        "square": Step(sympy.Eq((x + 1) ** 2, x**2 + 2 * x + 1), "by hand, J* <= |x|"),
        "quoted": Step(sympy.true, "said by somebody_else in `code_x`.", proven=False),
    }
    return Derivation("A* title", ["x_1 is real"], "a book", steps, {"f": rate(x)}, lambda: [], {"n": 1.25})


def test_a_section_escapes_text_and_displays_mathematics() -> None:
    text = page.section("a_name", example())
    assert r"1\. **square.** by hand, J\* \<= \|x\|. *Proven.*" in text
    assert "\n\n$$\\left(x + 1\\right)^{2} = x^{2} + 2 x + 1$$\n\n" in text
    assert r"2\. **quoted.** said by somebody\_else in `code_x`. *Not proven.*" in text
    assert r"x\_1 is real" in text and r"## A\* title" in text and 'id="a-name"' in text
    assert text.count("$$") == 4 and "1.25" not in text


def test_mathematics_holds_nothing_that_markdown_or_github_takes_amiss() -> None:
    x = sympy.Symbol("x")
    assert page.display(sympy.Function("rate")(x)) == r"$$\mathrm{rate}{\left(x \right)}$$"
    assert page.display(sympy.Symbol("y^*") > sympy.Matrix([[x], [1]]).norm()).startswith(r"$$y^{\ast } \gt ")
    assert r"1\cr 2" in page.display(sympy.Matrix([1, 2]))
    assert r"\left\lbrace 1" in page.display(sympy.FiniteSet(1, 2))


def test_every_derivation_is_on_the_page(rendered: str) -> None:
    for name in NAMES:
        assert f"(#{name.replace('_', '-')})" in rendered and f"`python -m theory {name}`" in rendered
    blocks = re.findall(r"^\$\$(.*)\$\$$", rendered, flags=re.M)
    assert len(blocks) > 5 * len(NAMES) and rendered.count("$$") == 2 * len(blocks)
    for block in blocks:
        assert block.count("{") == block.count("}") and not re.search(r"operatorname|\\\\|\\[{}|,;!]|[*<>]", block)


def test_the_page_is_the_same_every_time(rendered: str) -> None:
    assert page.render({"thales": NAMES["thales"]}) == page.render({"thales": NAMES["thales"]})
    assert not re.search(r"\d\.\d{9,}", rendered)  # no number that was computed in floats


def test_the_document_is_up_to_date(rendered: str) -> None:
    assert DOCUMENT.exists(), f"docs/theory.md is missing; write it: {COMMAND}"
    written = DOCUMENT.read_text(encoding="utf-8")
    made_with = re.search(r"with sympy (\S+)", written)
    if made_with and made_with[1] != sympy.__version__:
        pytest.skip(f"docs/theory.md was made with sympy {made_with[1]}, whose LaTeX this one may write differently")
    if written != rendered:
        lines = zip(written.splitlines(), rendered.splitlines(), strict=False)
        first = next((n for n, (a, b) in enumerate(lines, start=1) if a != b), "the end")
        pytest.fail(f"docs/theory.md is stale from line {first} on; write it again: {COMMAND}", pytrace=False)


def test_the_command_writes_a_file_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "render", lambda names: f"{sorted(names)}")
    assert main(["page", str(tmp_path / "theory.md")]) == 0
    assert (tmp_path / "theory.md").read_text() == f"{sorted(NAMES)}" and len(list(tmp_path.iterdir())) == 1
    for arguments, needle in (
        ([], "page takes one file"),
        ([str(tmp_path / "no" / "theory.md")], "a folder that exists"),
        ([str(tmp_path / "theory.md"), "--json"], "no options"),
    ):
        assert main(["page", *arguments]) == 2
        assert needle in capsys.readouterr().err

"""``python -m theory``: lists, derives, checks itself, draws, writes its page; wrong input is one line and status 2."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
import sympy

import theory
from theory import page
from theory.__main__ import COMMANDS, NAMES, main
from theory.command import draw, json_of, parameters, text_of
from theory.derivation import Check, Derivation, Step

x = sympy.Symbol("x")


def example(error: float = 0.0) -> Derivation:
    steps = {
        "square": Step(sympy.Eq((x + 1) ** 2, x**2 + 2 * x + 1), "by hand, J* <= |x|"),
        "quoted": Step(sympy.Eq(x, x + 1), "said by somebody_else in `code_x`.", proven=False),
    }
    values, checks = {"nan": float("nan"), "n": 1.25}, [Check("grid", error, 1e-9)]
    return Derivation("A* title", ["x_1 is real"], "a book", steps, {"f": x**2}, lambda: checks, values)


def test_a_step_is_proven_or_not() -> None:
    square, quoted = example().steps.values()
    assert square.holds() and not quoted.holds()
    assert not Check("nan", float("nan"), 1.0).holds


def test_text_and_json_say_what_is_proven() -> None:
    derivation = example()
    text = text_of(derivation, derivation.check(), latex=True)
    assert "proven by sympy" in text and "not proven here" in text and "x^{2}" in text and "holds  grid" in text
    found = json.loads(json_of("example", {"n": 3}, derivation, derivation.check()))
    assert found["values"] == {"nan": None, "n": 1.25} and [s["proven"] for s in found["steps"]] == [True, False]


def test_the_list_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in [*NAMES, *COMMANDS])
    assert max(len(line) for line in out.splitlines()) <= 134


def test_every_module_with_a_derivation_has_a_name() -> None:
    folder = Path(theory.__file__).parent
    files = [file for file in folder.rglob("*.py") if "\ndef derive(" in file.read_text("utf-8")]
    found = {".".join(file.relative_to(folder.parent).with_suffix("").parts) for file in files}
    assert found == set(NAMES.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_derivation_draws(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(NAMES[name])
    draw(lambda axes: module.draw(axes, **parameters(module, [])), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_a_figure_beside_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thales", "--figure", str(tmp_path / "figure.SVG")]) == 0
    assert (tmp_path / "figure.SVG").read_text().startswith("<?xml") and "self-check" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        (["nope"], "choose one of"),
        (["random_walk", "size=3"], "known: dimension=100"),
        (["random_walk", "dimension=many"], "dimension takes int values"),
        (["random_walk", "dimension=1"], "dimension"),
        (["scalar", "depth=0"], "depth"),
        (["thales", "--json", "--latex"], "give one of them"),
        (["--json"], "give its NAME"),
        (["--figure", "a.png"], "give its NAME"),
        (["thales", "--figure", "a.txt"], "no format .txt; end the name in one of"),
        (["thales", "--figure", "missing/a.png"], "missing/a.png: give a file name in a folder that exists"),
        (["thales", "--figure", "."], "give a file name"),
    ],
)
def test_wrong_input_is_status_2(arguments: list[str], needle: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and needle in error and error.count("\n") == 1


def test_a_check_that_fails_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = type(sys)("theory_example")
    module.derive = lambda: example(error=1.0)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "theory_example", module)
    monkeypatch.setitem(NAMES, "example", "theory_example")
    assert main(["example"]) == 1
    assert "FAILS  grid" in capsys.readouterr().out


def test_options_may_stand_before_the_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["random_walk", "--json", "dimension=100"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["dimension"] == 100


DOCUMENT = Path(__file__).parents[2] / "docs" / "theory.md"
COMMAND = "python -m theory page docs/theory.md"


@pytest.fixture(scope="module")
def rendered() -> str:
    return page.render(NAMES)


def test_a_section_escapes_text_and_displays_mathematics() -> None:
    text = page.section("a_name", example())
    assert r"1\. **square.** by hand, J\* \<= \|x\|. *Proven.*" in text
    assert "\n\n$$\\left(x + 1\\right)^{2} = x^{2} + 2 x + 1$$\n\n" in text
    assert r"2\. **quoted.** said by somebody\_else in `code_x`. *Not proven.*" in text
    assert r"x\_1 is real" in text and r"## A\* title" in text and 'id="a-name"' in text
    assert text.count("$$") == 6 and "1.25" not in text


def test_mathematics_holds_nothing_that_markdown_or_github_takes_amiss() -> None:
    assert page.display(sympy.Function("rate")(x)) == r"$$\mathrm{rate}{\left(x \right)}$$"
    assert page.display(sympy.Symbol("y^*") > sympy.Matrix([[x], [1]]).norm()).startswith(r"$$y^{\ast } \gt ")
    assert r"1\cr 2" in page.display(sympy.Matrix([1, 2]))
    assert r"\left\lbrace 1" in page.display(sympy.FiniteSet(1, 2))


@pytest.mark.slow
def test_every_derivation_is_on_the_page(rendered: str) -> None:
    for name in NAMES:
        assert f"(#{name.replace('_', '-')})" in rendered and f"`python -m theory {name}`" in rendered
    blocks = re.findall(r"^\$\$(.*)\$\$$", rendered, flags=re.M)
    assert len(blocks) > 5 * len(NAMES) and rendered.count("$$") == 2 * len(blocks)
    for block in blocks:
        assert block.count("{") == block.count("}") and not re.search(r"operatorname|\\\\|\\[{}|,;!]|[*<>]", block)


@pytest.mark.slow
def test_the_page_is_the_same_every_time(rendered: str) -> None:
    assert page.render({"thales": NAMES["thales"]}) == page.render({"thales": NAMES["thales"]})
    assert not re.search(r"\d\.\d{9,}", rendered)  # no number that was computed in floats


@pytest.mark.slow
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

"""What stands on top of the page: sentences on what was done, what holds, what does not and by how much, what is open.

All of it is made of the results; a page of several experiments leaves to their sections what is of one alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from landscape.figure import naming
from landscape.figure.sweep.number import headline
from landscape.figure.table import ONE_FOR_ALL, common
from landscape.ground.words import spoken
from landscape.report.section import Section
from landscape.report.summary import Rate, means, rates
from landscape.report.sweep import Row, counted
from landscape.result.verdict import IDENTITIES, Verdict, group_of, missed, surprising

MAX_SHOWN = 12
"""Claims told of each group; the tables below have the others."""
MAX_RATES, FEWEST_RUNS = 3, 5
"""Rates told of a claim, and of how many runs one must be to say more than its interval."""


@dataclass(frozen=True)
class Told:
    """One claim in one section: its words, and a link to the section. ``name`` is empty where there is one section."""

    check: str
    name: str
    href: str
    claim: str
    text: str


@dataclass(frozen=True)
class Digest:
    """The summary.

    Args:
        done: what was done, a sentence each. numbers: the least and the largest of a sweep. fails, opens, holds: one
            entry per claim and section, and how many more there are. identities: how many hold by construction.
    """

    done: list[str]
    numbers: list[str]
    fails: list[Told]
    more_fails: int
    opens: list[Told]
    more_opens: int
    holds: list[Told]
    more_holds: int
    identities: int


def digest(sections: Sequence[Section], groups: Sequence[Sequence[Row]], ids: Sequence[str]) -> Digest:
    """The sentences on these sections.

    Args:
        groups: each section's rows. ids: each section's anchor in the page.
    """
    several, names = len(sections) > 1, [section.name for section in sections]
    called = [f"{s.name}, {'/'.join(s.scales)}" if names.count(s.name) > 1 else s.name for s in sections]
    parts = list(zip(sections, groups, ids, called if several else [""] * len(sections), strict=True))
    fails = sorted((pair for part in parts for pair in _fails(*part)), key=lambda pair: -pair[0])
    opens = [item for section, _, id, name in parts for item in _opens(section, id, name)]
    told = [[item for _, item in fails], opens, _holds([(section, id, name) for section, _, id, name in parts])]
    num = sum(group_of(v) == IDENTITIES for section in sections for v in section.verdicts)
    (fails_told, fails_more), (opens_told, opens_more), (holds_told, holds_more) = map(_cut_short, told)
    done, numbers = [_done(sections, groups)], [] if several else list(_extremes(sections[0], groups[0]))
    done += list(_cuts(sections))
    return Digest(done, numbers, fails_told, fails_more, opens_told, opens_more, holds_told, holds_more, num)


def _cut_short(found: list[Told]) -> tuple[list[Told], int]:
    """The first, and how many more there are."""
    return found[:MAX_SHOWN], max(len(found) - MAX_SHOWN, 0)


def _done(sections: Sequence[Section], groups: Sequence[Sequence[Row]]) -> str:
    """``2 experiments: 5 jobs, 15 runs (one seed of one job each) with seeds 0, 1, 2, at reduced scale; ...``."""
    results = [result for section in sections for result in section.results]
    num_runs = sum(len(counted(group)) for group in groups)
    seeds = list(dict.fromkeys(seed for result in results for seed in result.seeds))
    scales = list(dict.fromkeys(result.scale for result in results))
    names = list(dict.fromkeys(section.name for section in sections))
    devices = list(dict.fromkeys(result.device for result in results))
    lost = sum(len(section.left_out) for section in sections)
    first = names[0] if len(names) == 1 else _num(len(names), "experiment")
    words = [f"{first}: {_num(len(results), 'job')}, {_num(num_runs, 'run')} (one seed of one job each)"]
    words[0] += f", seeds {', '.join(seeds[:8])}{', …' * (len(seeds) > 8)}" if seeds else ""
    words[0] += f", at {' and '.join(scales)} scale" if scales else ""
    seconds = sum(result.seconds for result in results)
    words.append(f"{spoken(seconds, exact=True)} of computing on {' and '.join(devices[:2])}" if results else "no job")
    if lost:
        words.append(f"{_num(lost, 'job')} failed or left nothing, and {'is' if lost == 1 else 'are'} not counted")
    return "; ".join(words) + "."


def _cuts(sections: Sequence[Section]) -> Iterator[str]:
    cut = [caps for section in sections if (caps := naming.caps(section.results))]
    if cut and len(sections) == 1:
        yield f"Smaller than the paper or than its recipe: {'; '.join(cut[0])}."
    elif cut:
        yield f"Smaller than the paper: {len(cut)} of {len(sections)} sections, each of which says what was cut."


def _extremes(section: Section, rows: Sequence[Row]) -> Iterator[str]:
    """Of a sweep, the settings with the least and the largest mean of the first numbers that a reader looks for."""
    found = means(rows)
    if len({mean.setting for mean in found}) < 2:
        return
    for number in headline(section.results):
        own = [mean for mean in found if mean.number == number.key and mean.count]
        if len(own) < 2 or max(m.mean for m in own) == min(m.mean for m in own):
            continue
        ends = []
        for mean in (pick(own, key=lambda item: item.mean) for pick in (min, max)):
            ends.append(f"{number.factor * mean.mean:.3g} at {', '.join(f'{k}={v}' for k, v in mean.setting)}")
        yield f"{number.title}, mean over the runs of a setting: from {ends[0]} to {ends[1]}."


def _by_claim(verdicts: Iterable[Verdict], group: str) -> list[list[Verdict]]:
    """Those of a group, each claim's together."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if group_of(verdict) == group:
            found.setdefault((verdict.check, verdict.claim), []).append(verdict)
    return list(found.values())


def _of(section: Section, verdict: Verdict) -> int:
    """How many judged verdicts of this claim there are, less those that hold by construction."""
    same = [v for v in section.verdicts if (v.check, v.claim) == (verdict.check, verdict.claim)]
    return sum(group_of(v) in ("hold", "do not hold") for v in same)


def _fails(section: Section, rows: Sequence[Row], id: str, name: str) -> Iterator[tuple[float, Told]]:
    """Each claim that does not hold, by its worst subject: measured, expected, by how much, and the rates over runs."""
    known = rates(rows) if len(rows) > 1 else []
    shared, _ = common([verdict.subject for verdict in section.verdicts])
    for items in _by_claim(surprising(section.verdicts), "do not hold"):
        worst, num = items[0], _of(section, items[0])
        where = worst.subject.removeprefix(shared).lstrip(", ") or worst.subject
        words = [f"does not hold in {len(items)} of {num} cases, worst" if num > 1 else "does not hold"]
        words[0] += f" on {where}: {worst.measured.replace(ONE_FOR_ALL, '(')}; expected {worst.expected}"
        words += [much] if (much := missed(worst)) else []
        if worst.calibrated and worst.calibrated_holds is not None:
            words.append(
                f"calibrated {worst.calibrated}: {'holds' if worst.calibrated_holds else 'does not hold either'}"
            )
        sentences = ["; ".join(words) + "."]
        found = [rate for rate in known if rate.check == worst.check]
        if max((rate.judged for rate in found), default=0) >= FEWEST_RUNS:
            sentences.append(_rates(found))
        yield worst.miss, Told(worst.check, name, f"#{id}", worst.claim, " ".join(sentences))


def _rates(found: Sequence[Rate]) -> str:
    told = [f"{f'{rate.on} ' if rate.on else ''}{rate}" for rate in sorted(found, key=lambda r: r.holds / r.judged)]
    return f"Run by run: {', '.join(told[:MAX_RATES])}{' and others' * (len(told) > MAX_RATES)}."


def _opens(section: Section, id: str, name: str) -> Iterator[Told]:
    """What was not judged, one line for each reason."""
    found: dict[str, list[Verdict]] = {}
    for verdict in section.verdicts:
        if verdict.holds is None:
            found.setdefault(verdict.note or verdict.measured, []).append(verdict)
    for why, items in found.items():
        checks = ", ".join(dict.fromkeys(item.check for item in items))
        yield Told(checks, name, f"#{id}", _num(len(items), "verdict"), f"{why}.")


def _holds(parts: Sequence[tuple[Section, str, str]]) -> list[Told]:
    """Each claim that holds wherever it was judged, once for all sections that make it.

    One that holds in some cases is told among what does not hold, with its rate.
    """
    found: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    judged: Counter[tuple[str, str]] = Counter()
    for section, id, name in parts:
        judged.update((v.check, v.claim) for v in section.verdicts if group_of(v) in ("hold", "do not hold"))
        for items in _by_claim(section.verdicts, "hold"):
            found.setdefault((items[0].check, items[0].claim), []).append((len(items), id, name))
    told = []
    for (check, claim), cases in found.items():
        hold, num = sum(case[0] for case in cases), judged[check, claim]
        if hold < num:
            continue
        where = "holds" if num == 1 else f"holds in all {num} cases"
        others = f", in {len(cases)} sections" if len(cases) > 1 else ""
        told.append(Told(check, cases[0][2], f"#{cases[0][1]}", claim, f"{where}{others}."))
    return told


def _num(num: int, noun: str) -> str:
    return f"{num:,} {noun}{'s' * (num != 1)}"

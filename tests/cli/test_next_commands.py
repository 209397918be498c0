"""What somebody types next: each command ends with a figure and status 0, or with status 2 and a sentence."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import landscape.collect.__main__ as collect
import landscape.command.paper as paper
import landscape.figure.__main__ as figure
import landscape.report.__main__ as report
import theory.__main__ as theory
from landscape import __version__
from landscape.ground.provenance import conf_dir

from .conftest import Cli

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_pictures")]

SMALL = (
    "limits=smoke",
    "limits.epochs=1",
    "limits.examples=100",
    "limits.measured_examples=40",
    "limits.alphas=6",
    "limits.width=6",
    "training.num_seeds=1",
    "tracker=none",
    "forecast=off",
)

DRAWN = """
training.batch_size=32,64 optimizer.lr=0.1,0.3
training.first_seed=0,1
training.first_seed=0,1 optimizer.lr=0.1,0.3
training.num_seeds=2 optimizer.lr=0.1,0.3 training.first_seed=0,2
model.widths=[4],[6,4] training.patience=null,3
model.widths=[4],[6] training.patience=null,3 optimizer.lr=0.1,0.2
model=relu_small,tanh optimizer.lr=0.1,0.2
model=glob(relu_s*) training.batch_size=range(40,60,10)
data.seed=0,1 optimizer.lr=0.1,0.2
optimizer=sgd,momentum optimizer.lr=0.05,0.1
optimizer=sgd,adam training.momentum_schedule=null optimizer.lr=0.01
optimizer.lr=1e6,0.1 training.num_seeds=2
recipe=digits,fully_connected
training.lr_schedule=null training.select=best,last
training.momentum_schedule=null,null optimizer.momentum=0,0.5
endpoints=random_to_solution,init_to_solution
endpoints=zero_to_solution,noise_to_solution objective.engine=plain,auto
endpoints=between_solutions training.num_seeds=2 limits.seeds=2
endpoints=between_solutions training.num_seeds=2 training.first_seed=0,2 optimizer.lr=0.1,0.2
endpoints=other_init_to_solution training.num_seeds=2 training.first_seed=0,1
path=linear,bias_schedule optimizer.lr=0.1,0.2
path=bias_schedule alphas=unit_50
alphas=adaptive
alphas=adaptive training.first_seed=0,1
alphas=adaptive training.first_seed=0,1 optimizer.lr=0.1,0.2
alphas=standard,unit_50 optimizer.lr=0.1,0.2
alphas=explicit alphas.values=[0,0.5,1],[0,0.25,1]
objective.engine=plain,auto optimizer.lr=0.05,0.1
objective.dtype=float32,float64 training.num_seeds=2
objective.num_replicates=1,2 model=relu
objective.batch_size=null,7
objective.memory=1GiB
measurement=residual training.num_seeds=2
measurement=residual training.first_seed=0,1 optimizer.lr=0.1,0.2
measurement=plane training.num_seeds=2 optimizer.lr=0.1,0.2
measurement=plane measurement.noise=false
measurement=surface measurement.num=3 training.num_seeds=2 optimizer.lr=0.1,0.2
measurement=surface path=trajectory_plane measurement.num=3 limits.epochs=2
measurement=surface_of_three measurement.num=3 training.num_seeds=3 measurement.level=1
measurement=interpolation,residual optimizer.lr=0.1,0.2
measurement=gauss_length alphas=unit_50
measurement=gauss_length measurement.noise=false,true alphas=unit_50
measurement.slopes=1
measurement.slopes=0,2 optimizer.lr=0.1,0.2
measurement.noise=true,false training.num_seeds=2
measurement.splits=[train],[valid,test]
measurement=closed_form measurement.noise=false recipe=deep_linear optimizer.lr=0.01,0.02
measurement=closed_form recipe=deep_linear training.first_seed=0,1 optimizer.lr=0.01,0.02
recipe=deep_linear endpoints=same_branch path=geometric
recipe=none measurement=random_walk measurement.dimension=2,6 measurement.num_steps=1000,1200
recipe=quadratic measurement=descent optimizer.lr=0.01,0.02
endpoints=between_solutions training.num_seeds=2 limits.seeds=2 endpoints.align=null,weights
endpoints=between_solutions training.num_seeds=2 limits.seeds=2 path=linear,bezier
endpoints=scaled_start endpoints.scale=0.5 optimizer.lr=0.1,0.2
measurement=principal limits.epochs=3 training.first_seed=0,1
objective.tolerance=null,1e-2 training.num_seeds=2
limits.examples=60,80 limits.alphas=4,5
limits=smoke,reduced limits.epochs=1
optimizer.lr=0.1,0.10,1e-1
vary={a:1},{a:2}
+my_note=1,2
-m optimizer.lr=0.1,0.2
--run
hydra.mode=RUN
hydra.mode=MULTIRUN optimizer.lr=0.1,0.2
compute=joblib hydra.launcher.n_jobs=1
hydra.job.chdir=true
optimize=test_error
strict=true measurement=residual figure=landscape.figure.sweep
"""

OWN = """
model=mine
model=mine,tanh optimizer.lr=0.1,0.2
data=mine
data=mine,digits optimizer.lr=0.1,0.2
cost=mine
optimizer=mine training.momentum_schedule=null
recipe=mine
endpoints=mine
endpoints=mine,init_to_solution optimizer.lr=0.1,0.2
path=mine
alphas=mine_too
objective=mine
measurement=mine
limits=mine
tracker=mine
compute=mine
training=mine
+training/lr_schedule=mine
training/momentum_schedule=mine
+experiment=mine
"""

REFUSED = """
measurement=3
~model
model=[]
model.widths=abc
hydra.mode=RUN optimizer.lr=0.1,0.2
hydra.mode=walk
hydra/sweeper=nope
optimizer.lr=
optimizer.lr=[0.1,0.2]
endpoints=checkpoints endpoints.start=epoch=3.pt
figure=no.such.module
figure=os
figure=
vary=3 +optimizer.nope=1
limits.epochs=-1
limits.epochs=inf
limits.width=abc
training.first_seed=[0,1]
training.num_seeds=0
data.seed=abc
-cn nope
--hydra-help optimizer.lr=0.1
--config-dir nowhere
--info nonsense
"""

SHOWN = """
--cfg job
--cfg job --resolve -p optimizer
--cfg all
--info
--info searchpath
--help
--version
+experiment=fig05_two_solutions forecast=only data=digits recipe=digits
"""

FILES = {
    "model": "_target_: landscape.model.MLP\n_partial_: true\ninputs: ${dimensions.inputs}\n"
    "classes: ${dimensions.classes}\nwidths: [4]\nactivation: {_target_: torch.nn.Tanh}\n",
    "data": "# @package _global_\ndata: {_target_: landscape.data.digits.digits, seed: 3}\n"
    "dimensions: {inputs: 64, image: [1, 8, 8], classes: 10}\n",
    "cost": "_target_: landscape.cost.SquaredError\n",
    "optimizer": "_target_: torch.optim.SGD\n_partial_: true\nlr: 0.05\n",
    "recipe": "# @package _global_\ndefaults: [{override /model: relu_small}, {override /data: digits}]\n"
    "training: {batch_size: 40}\n",
    "endpoints": "_target_: landscape.endpoints.RandomToSolution\nscale: 2.0\n",
    "path": "_target_: landscape.path.BiasSchedule\n_partial_: true\npower: 2\n",
    "objective": "defaults: [default, _self_]\nrunning_statistics: keep\n",
    "measurement": "_target_: landscape.measurement.Interpolation\nsplits: [train]\n",
    "limits": "scale: mine\nepochs: 1\nexamples: 100\nmeasured_examples: 40\nalphas: 6\nseeds: 1\nwidth: 6\n",
    "tracker": "_target_: landscape.tracker.null.NullTracker\n",
    "compute": "# @package hydra.launcher\n_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher\n",
    "training": "defaults: [default, _self_]\nmax_epochs: 1\n",
    "training/lr_schedule": "_target_: landscape.training.schedule.LinearDecay\nfinal: 0.1\nepochs: 2\n",
    "training/momentum_schedule": "_target_: landscape.training.schedule.LinearRamp\nstart: 0.5\nend: 0.6\nepochs: 2\n",
    "experiment": "# @package _global_\ndefaults: [{override /endpoints: mine}]\nname: of_mine\n"
    "hydra: {sweeper: {params: {optimizer.lr: '0.1,0.2'}}}\n",
}


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Own configs of every group, and an outputs folder whose trained solutions all commands share."""
    folder = tmp_path_factory.mktemp("next")
    for group, text in {**FILES, "alphas": "_target_: landscape.alphas.evenly\nfirst: 0\nlast: 1\nnum: 5\n"}.items():
        file = folder / "mine" / group / ("mine_too.yaml" if group == "alphas" else "mine.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def draws(cli: Cli, shared: Path, *arguments: str) -> Path:
    """Run one command that owes a figure; returns its sweep's folder."""
    ran = cli(*SMALL, f"outputs={shared / 'outputs'}", *arguments)
    assert ran.status == 0 and "Traceback" not in ran.out and "could not be" not in ran.out, ran.out
    (place,) = (line.removeprefix("figure: ") for line in ran.out.splitlines() if line.startswith("figure: "))
    assert Path(place).stat().st_size > 5000
    return Path(place).parent


@pytest.mark.parametrize("line", lines(DRAWN))
def test_it_ends_with_a_figure(line: str, cli: Cli, shared: Path) -> None:
    draws(cli, shared, f"name=case{lines(DRAWN).index(line)}", *shlex.split(line))


@pytest.mark.parametrize(
    ("way", "line"),
    [*(("searchpath", line) for line in lines(OWN)), *(("config-dir", line) for line in lines(OWN)[::3])],
)
def test_a_file_of_ones_own_works_by_itself(line: str, way: str, cli: Cli, shared: Path) -> None:
    mine = shared / "mine"
    added = [f"hydra.searchpath=[file://{mine}]"] if way == "searchpath" else ["--config-dir", str(mine)]
    name = [] if line == "+experiment=mine" else [f"name=own{lines(OWN).index(line)}-{way}"]
    draws(cli, shared, *added, *name, *shlex.split(line))


def test_every_group_has_a_file_of_ones_own() -> None:
    """A new group has no row by itself."""
    groups = {file.parent.relative_to(conf_dir()).as_posix() for file in Path(conf_dir()).rglob("*/*.yaml")}
    assert {group for group in groups if not group.startswith("hydra/")} == {*FILES, "alphas"}
    rows = {line.lstrip("+").partition("=")[0] for line in lines(OWN)}
    assert rows == {*FILES, "alphas"}


@pytest.mark.parametrize("line", lines(REFUSED))
def test_it_ends_with_a_sentence(line: str, cli: Cli, tmp_path: Path) -> None:
    ran = cli(*SMALL, *shlex.split(line))
    assert ran.status == 2 and "Traceback" not in ran.out and len(ran.out.strip()) > 20, ran.out
    assert not list(tmp_path.rglob("meta.json")), "trained before it was refused"


@pytest.mark.parametrize("line", lines(SHOWN))
def test_it_is_shown(line: str) -> None:
    """In a process of its own: Hydra's lists leave a handler behind that writes to this one's output."""
    command = [sys.executable, "-m", "landscape", "tracker=none", "limits=smoke", *shlex.split(line)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0 and "Traceback" not in ran.stdout + ran.stderr and ran.stdout.strip(), ran.stderr
    assert line != "--version" or ran.stdout.startswith(f"landscape {__version__}, Hydra 1.3")


def test_what_comes_after_a_sweep(
    cli: Cli,
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Redraw, map a number, publish, report, collect; for the sweep and for one of its jobs."""

    def ends(command: Callable[[], int | None], *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        try:
            status = int(command() or 0)
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capfd.readouterr()
        return status, captured.out + captured.err

    sweep = draws(cli, shared, "name=after", "optimizer.lr=0.1,0.2", "model.widths=[4],[6]")
    job = next(place.parent for place in sweep.glob("*/result.json"))
    page = tmp_path / "page"
    good: list[tuple[Callable[[], int | None], tuple[str, ...]]] = [
        (figure.main, (str(sweep),)),
        (figure.main, (str(job),)),
        (figure.main, (str(sweep), "--number", "test_error")),
        (figure.main, (str(sweep), "--publish", str(page))),
        (figure.main, (str(page),)),
        (report.main, (str(sweep),)),
        (report.main, (str(sweep.parent.parent), "--output", str(tmp_path / "r.html"))),
        (report.main, (str(job), str(sweep), "--csv", str(tmp_path / "r.csv"))),
        (collect.main, (str(sweep),)),
        (paper.main, ("--list",)),
        (theory.main, ("plane",)),
        (theory.main, ("scalar", "--json")),
        (theory.main, ()),
    ]
    for command, arguments in good:
        status, out = ends(command, *arguments)
        assert status == 0 and "Traceback" not in out and "not drawn" not in out, (arguments, out)
    assert (page / "README.md").exists() and (page / "figure.png").exists() and (tmp_path / "r.csv").exists()
    for command in (figure.main, report.main, collect.main, theory.main):
        status, out = ends(command, str(tmp_path / "nowhere"))
        assert status == 2 and "Traceback" not in out and out.strip(), (command, out)

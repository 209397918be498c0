"""What stands on a command line, before anything is composed: read, or refused in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from landscape.command.command_line import prepare
from landscape.errors import InputError
from landscape.ground.settings import TABLE, uses_of

from .conftest import ONE_JOB, QUICK, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")

REFUSED = [
    (["endpoints=null,3"], "endpoints=null", "init_to_solution"),
    (["cost=3.5"], "cost=3.5", "cross_entropy"),
    (["training/lr_schedule=true"], "training/lr_schedule=true", "linear_decay"),
    (["+experiment=7"], "experiment=7", "fig01_maxout"),
    (["model=relu_small,null"], "model=null", "relu_small"),
    (["data=range(1,3)"], "data=range(1,3)", "by name"),
    (["endpoints.start=epoch=3-step=1.ckpt"], "'endpoints.start=\"epoch=3-step=1.ckpt\"'", "quote"),
    (["endpoints.start=a (1).pt"], "'endpoints.start=\"a (1).pt\"'", "quote"),
    (["optimizer.lr"], "optimizer.lr", "key=value"),
    (["=3"], "=3", "key=value"),
    (["--run", "--multirun"], "--run", "--multirun"),
    (["--info", "--cfg", "job"], "--cfg", "--info"),
    (["--resolve"], "--resolve", "--cfg"),
    (["optimizer.lr=1", "--nope"], "--nope", "key=value"),
    (["-x=3"], "-x=3", "key=value"),
    (["optimizer.lr=1", "--config-dir"], "config-dir", "--hydra-help"),
    (["--cfg", "most"], "most", "job"),
    (["hydra.sweep.subdir=x"], "hydra.sweep.subdir=x", "settings"),
    (["hydra.run.dir=x"], "hydra.run.dir=x", "outputs"),
    (["hydra/launcher=joblib"], "hydra/launcher=joblib", "compute"),
    (["outputs=/a,/b"], "outputs=/a,/b", "one job"),
    (["threads=1,2"], "threads=1,2", "one job"),
]


@pytest.mark.parametrize(("arguments", "what", "advice"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_what_hydra_would_answer_with_a_traceback_is_a_sentence(arguments: list[str], what: str, advice: str) -> None:
    with pytest.raises(InputError) as caught:
        prepare(arguments)
    assert what in str(caught.value) and advice in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "arranged"),
    [
        ("a=1 --config-dir mine b=2", "a=1 b=2 --config-dir mine"),
        ("a=1 -m b=2,3", "a=1 b=2,3 -m"),
        ("-m a=1,2 b=2", "a=1,2 b=2 -m"),
        ("a=1 --cfg job b=2 -p model", "a=1 b=2 --cfg job -p model"),
        ("a=1 -cn a=1 b=2", "a=1 b=2 -cn a=1"),
        ("--info searchpath a=1", "a=1 --info searchpath"),
        ("--cfg=job -- a=1", "a=1 --cfg=job"),
    ],
)
def test_options_may_stand_between_what_is_set(arguments: str, arranged: str) -> None:
    """Hydra's own reader takes all overrides in one place alone."""
    assert prepare(arguments.split()) == arranged.split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["model=relu_small,tanh", "training.patience=null,3", "model.widths=[8],[8,8]"],
        ["optimizer={lr: 0.3}", "~tracker", "data=glob(d*)", "training.lr_schedule=null"],
        ['endpoints.start="epoch=3.ckpt"', "hydra.sweeper.max_batch_size=1", "hydra.mode=RUN"],
        ["--cfg", "job", "--resolve", "-p", "optimizer"],
        ["-m", "optimizer.lr=interval(0.1,0.2)", "hydra/sweeper=optuna"],
        ["vary={a:1},{a:2}", "+hydra.sweeper.params.x=1", "hydra.searchpath=[pkg://no.such,file://nowhere]"],
    ],
)
def test_what_hydra_understands_is_let_through(arguments: list[str]) -> None:
    prepare(arguments)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A folder of own configs, the grids of earlier tests forgotten."""
    before = ConfigStore.instance().repo.get("alphas")
    for name in ("lone", "deep/er", "paired"):
        file = tmp_path / "mine" / "endpoints" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("_target_: landscape.endpoints.RandomToSolution\nscale: 2.0\n")
    (tmp_path / "mine" / "alphas").mkdir()
    (tmp_path / "mine" / "alphas" / "paired.yaml").write_text(
        "_target_: landscape.alphas.evenly\nfirst: 0\nlast: 1\nnum: 3\n"
    )
    yield tmp_path / "mine"
    ConfigStore.instance().repo.pop("alphas", None)
    if before is not None:
        ConfigStore.instance().repo["alphas"] = before


def grid_of(cli: Cli, *arguments: str) -> str:
    ran = cli(*arguments, "--cfg", "job", "-p", "alphas")
    assert ran.status == 0, ran.out
    return ran.out


def test_own_endpoints_come_with_a_grid(cli: Cli, own: Path) -> None:
    """One file is enough; one of the same name under alphas is taken, and alphas=NAME before both."""
    path = f"hydra.searchpath=[file://{own}]"
    standard = grid_of(cli)
    assert "divisions: 9" in standard
    assert grid_of(cli, path, "endpoints=lone") == standard
    assert grid_of(cli, "--config-dir", str(own), "endpoints=deep/er") == standard
    assert "num: 3" in grid_of(cli, path, "endpoints=paired")
    assert "num: 50" in grid_of(cli, path, "endpoints=lone", "alphas=unit_50")
    assert cli(path, "endpoints=lone", "alphas=no_such").status == 2


COMMANDS = [
    (["name=../x"], "name=../x"),
    (["name=a/b"], "name=a/b"),
    (["limits.scale=weird"], "limits.scale=weird"),
    (["limits.scale=../../../x"], "limits.scale=../../../x"),
    (["limits=smoke", "limits.scale=full"], "limits.scale=full"),
    (["limits.scale=full,weird"], "limits.scale=weird"),
    (["name=a,../b"], "name=../b"),
    (["outputs="], "outputs"),
    (['outputs="a\\${b}"'], "outputs"),
    (["threads=-1"], "threads=-1"),
    (["jobs_per_gpu=0"], "jobs_per_gpu=0"),
    (["threads=abc"], "threads"),
    (["strict=maybe"], "strict"),
    (["optimizer.lr=glob(*)"], "no job"),
    (["optimizer.lr=interval(0.1,0.2)"], "INTERVAL"),
    (["hydra.mode=RUN", "+experiment=fig02_sigmoid_relu"], "recipe"),
    (["model=nope"], "model/nope"),
    (["model=relu_smal"], "did you mean relu_small"),
    (["compute=abacus"], "slurm"),
    (["path=bezier,polygon", "path.epochs=2"], "write ++path.epochs=2, for all"),
    (["-m", "path=bezier,polygon", "+path.epochs=2"], "write ++path.epochs=2, for all"),
    (["training.epohcs=3"], "there is no key training.epohcs; did you mean training.max_epochs?"),
    (["epochs=3"], "there is no key epochs; did you mean"),
    (["zzz=3"], "there is no key zzz; --cfg job shows all keys"),
    (["model.widht=3"], "there is no key model.widht; did you mean model.widths?"),
    (["dimensions.zzz=3"], "dimensions has inputs, image, classes; --cfg"),
    (["+epochs=3"], "+epochs=3: nothing reads epochs; did you mean"),
    (["++training.max_epoch=3"], "nothing reads training.max_epoch; did you mean training.max_epochs?"),
    (["+limits.foo=1"], "nothing reads limits.foo; limits has scale, epochs"),
    (["training=adam"], "training has none: its keys are set one by one, as training.KEY=VALUE"),
]


@pytest.mark.parametrize(("arguments", "what"), COMMANDS, ids=[" ".join(row[0]) for row in COMMANDS])
def test_a_command_that_cannot_work_ends_before_any_job(
    arguments: list[str], what: str, cli: Cli, tmp_path: Path
) -> None:
    """One sentence, status 2, no traceback; nothing outside outputs/, nothing trained."""
    ran = cli("tracker=none", "forecast=off", *arguments)
    assert ran.status == 2 and what in ran.out and "Traceback" not in ran.out, ran.out
    assert "HYDRA_FULL_ERROR" not in ran.out and "usage:" not in ran.out
    assert not list(tmp_path.rglob("meta.json")) and not list(tmp_path.rglob("result.npz"))
    assert {place.name for place in tmp_path.iterdir()} <= {"outputs", "data"}


def test_a_key_of_somebodys_own_is_referred_to_or_a_note(cli: Cli) -> None:
    """``+w=5 'model.widths=[${w}]'`` sets two places at once; what nothing reads is said to be read by nothing."""
    ran = cli("+w=5", "model.widths=[${w},${w}]", "--cfg", "job", "-p", "model", "--resolve")
    assert ran.status == 0 and ran.out.count("- 5") == 2 and "nothing reads" not in ran.out, ran.out
    ran = cli("+w=5", "model.widths=[5,5]", "--cfg", "job")
    assert ran.status == 0 and "+w=5: nothing reads w; it is a note" in ran.out, ran.out


def test_a_setting_asked_for_in_three_ways_is_one_job_done_now(cli: Cli) -> None:
    ran = cli(*QUICK, "optimizer.lr=0.1,0.10,1e-1")
    assert ran.status == 0, ran.out
    assert "1 job done, 0 done before, 0 failed" in ran.out and "2 of 3 jobs have the settings" in ran.out
    assert len(ran.sweep["jobs"]) == 1 and ran.sweep["jobs"][0]["status"] == "done"


def test_one_job_in_this_process(cli: Cli) -> None:
    """``hydra.mode=RUN`` ends as a sweep of one does: a figure, the tables, the exit status of the contract."""
    ran = cli(*QUICK, ONE_JOB)
    assert ran.status == 0 and "1 job done, 0 done before" in ran.out, ran.out
    (job,) = ran.jobs
    assert (job / "result.json").exists() and (job.parent / "figure.png").exists()
    assert "0 jobs done, 1 done before" in cli(*QUICK).out  # and is the same job
    assert cli(*QUICK, ONE_JOB, "optimizer.lr=-1").status == 2


def test_the_table_of_settings_has_no_key_that_nobody_has(cli: Cli) -> None:
    out = cli("--cfg", "job").out + cli("--cfg", "hydra").out
    absent = {"experiment", "compute", "wandb_folder"}  # chosen, not set; and one of the first versions
    for key in set(TABLE) - absent:
        assert f"{key.rpartition('.')[2]}:" in out, key
    assert not uses_of("hydra/sweeper").result

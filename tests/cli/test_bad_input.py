"""Wrong input: exit status 2, one message with the key, the value and what to do; nothing half-written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from landscape.result.saved import Result

from .conftest import ONE_JOB, QUICK, TINY, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")

BASES = {
    "plain": (),
    "tiny": TINY,
    "linear": ("recipe=deep_linear", "tracker=none", "training.max_epochs=2"),
    "walk": ("recipe=none", "measurement=random_walk", "tracker=none"),
}
# Below a base: what is set, and what is said of it.
WRONG = {
    "plain": {
        "+experiment=nope": "experiment/nope | fig01_maxout",
        "training.max_epoch=3": "training.max_epoch | max_epoch",
        "training.batch_size=abc": "training.batch_size=abc | Integer",
        "+experiment=fig01_maxout,fig02_sigmoid_relu": "one experiment per command",
        "alphas=explicit alphas.values=[]": "alphas is empty",
        "alphas=explicit alphas.values=[0,0.5,0.2]": "0.5 is followed by 0.2 | sort",
        "alphas=explicit alphas.values=[0,inf]": "alphas holds inf",
        "tracker.mode=sideways": "tracker.mode=sideways | offline",
        "recipe=none": "measurement=random_walk | recipe=quadratic",
        "endpoints=same_branch": "endpoints.start has 2 numbers | recipe=deep_linear",
        "model.widths=[-3,10]": "model.widths=[-3, 10] must hold whole numbers of at least 1",
        "+experiment=fig12_quadratic limits=smoke vary={lr:2.5,momentum:0.0}": "optimizer.lr=2.5 | take lr < 2.",
        "recipe=quadratic measurement=descent limits=smoke model.low=0": "model.low=0",
        "+experiment=fig07_mpdbm data=digits limits=smoke model=relu": "model=MLP | cost MultiPrediction | model=mpdbm",
        "recipe=lstm_trial data.unroll=20.5": "dimensions.inputs | data.unroll | 20.5",
        "recipe=lstm_trial data.unroll=0": "training.gradient_scale=0.0 | data.unroll",
    },
    "tiny": {
        "endpoints=between_solutions alphas=standard": "training.num_seeds=1 | training.num_seeds=2",
        "alphas.num=0": "alphas.num=0",
        "training.batch_size=5000": "training.batch_size=5000 | 1200 training examples",
        "training.batch_size=0": "training.batch_size=0",
        "device=abacus": "device=abacus | device=auto",
        "device=cuda:7": "device=cuda:7 | device=cpu",
        "training.monitor=valid/beauty": "training.monitor=valid/beauty | valid/error",
        "model.widths=[8] +model.init_ranges=[0.1]": "model.init_ranges has 1 | 2 layers",
        "figure=landscape.figure.nope": "figure=landscape.figure.nope | landscape.figure.sweep",
        "objective.dtype=float8": "objective.dtype=float8 | float64",
        "measurement.splits=[training]": "measurement.splits | valid",
        "endpoints=checkpoints endpoints.start=no.pt endpoints.end=no.pt alphas=standard": "endpoints.start=no.pt",
        "endpoints=checkpoints alphas=standard": "endpoints.start has no value",
        "endpoints=epoch_to_solution alphas=standard endpoints.epoch=2": "endpoints.epoch=2 does | max_epochs=2",
        "+model.depth=3": "model | depth",
        "limits.examples=0": "limits.examples",
        "limits.alphas=0": "limits.alphas=0",
        "training.trajectory_gigabytes=-1": "training.trajectory_gigabytes=-1 | positive",
        "training.checkpoint_seconds=-1": "training.checkpoint_seconds=-1 | negative",
        "threads=0": "threads=0 | null",
        "optimizer.lr=abc": "optimizer.lr=abc must be a number, such as optimizer.lr=0.",
        "model.widths=null": "model.widths=null must be a list of whole numbers, such as model.widths=[",
        "training.num_seeds=null": "training.num_seeds=null must be a whole number",
        "training.patience=inf": "training.patience=inf must be a whole number or null",
        "model.activation._target_=torch.nn.NoSuch": "torch.nn.NoSuch cannot be imported | 'NoSuch' | 'torch.nn'",
        "optimizer.lr=''": "optimizer.lr='' must be a number",
        "cost=adversarial cost.epsilon=inf": "cost.epsilon=inf must be a positive, finite number",
        "model.widths=8": "model.widths=8 must be a list of whole numbers | model.widths=[8]",
        "objective.tolerance=1": "objective.tolerance=1 must be a number above 0 and below 1 | null",
        "objective.tolerance=abc": "objective.tolerance=abc must be a number above 0 and below 1, or null | 1e-3",
        "objective.tolerance=1e-3 measurement.slopes=1": "objective.tolerance=0.001 | measurement.slopes=1 | null",
        "objective.tolerance=1e-3 measurement=residual": "objective.tolerance=0.001 | measurement=residual looks at",
        "measurement.slopes=true": "measurement.slopes=true must be a whole number",
        "~measurement": "measurement has no _target_ | measurement=NAME",
        "objective=null": "objective=null is no name of a config | default",
        "alphas=standard path=geometric": "path=geometric | path=linear",
        "alphas=standard path=geometric endpoints=zero_to_solution": "path=geometric | path=linear",
        "alphas=standard path=geometric endpoints=noise_to_solution": "path=geometric | path=linear",
        "objective.batch_size=abc": "objective",
        "training.lr_schedule=foo": "training.lr_schedule=foo | conf/training/lr_schedule",
        "+endpoints.align=weights": "endpoints.align=weights | it is one of a line between two networks",
        "endpoints.starts=3": "endpoints.starts=3 is not a key of these endpoints; it is one of a line between two",
        "endpoints=random_to_solution endpoints.scale=inf alphas=standard": "endpoints.scale=inf",
        "measurement=surface path=linear": "path=linear is none | path=random_plane",
        "path=random_plane": "path=random_plane is a plane | measurement=surface",
        "measurement=closed_form": "measurement=closed_form | =MLP | CrossEntropy | measurement=interpolation",
        "measurement=curvature measurement.num=0": "measurement.num=0 must be a whole number of at least 1",
        "measurement=curvature objective.running_statistics=recalibrate +model.batch_norm=true": (
            "objective.running_statistics=keep | Hessian"
        ),
        "measurement=curvature cost=adversarial": "Adversarial has no second derivatives | another cost",
        "measurement=curvature_of_training measurement.num_points=1": "measurement.num_points=1 | at least 2",
        "measurement=principal training.max_epochs=1": "principal needs 3 | leaves 2 | for 2 epochs or more",
        "dimensions.classes=7": "dimensions.classes=7 | digits | dimensions.classes=10",
    },
    "linear": {
        "endpoints=points endpoints.start=[1,2,3] endpoints.end=[1,2]": "start has 3 numbers | DeepLinear has 2",
        "endpoints=points endpoints.end=[1,2] endpoints.start=abc": "endpoints.start=abc | numbers",
        "endpoints=points endpoints.end=[1,2] endpoints.start=[1,2]": "the same point",
        "endpoints=points": "endpoints.start has no value",
        "endpoints=large_start path=geometric": "path=geometric | path=linear",
        "measurement=closed_form endpoints=same_branch path=geometric": "measurement=closed_form | path=linear",
        "measurement=surface path=corners_plane endpoints=points endpoints.start=[0,0] endpoints.end=[1,2] "
        "+endpoints.third=[-2,-4]": "start, end and third lie on one line",
        "model.depth=0": "model.depth=0 | at least 1",
        "path=bezier path.num_bends=0": "path.num_bends=0 | no bend | path=linear",
        "path=bezier measurement=closed_form": "measurement=closed_form | path=linear",
        "path=polygon measurement.slopes=1 alphas=explicit alphas.values=[0,0.5,1]": "kink at alpha=0.5 | path=bezier",
        "objective.tolerance=1e-3 alphas=adaptive": "objective.tolerance=0.001 | alphas=adaptive | null",
        "measurement=descent": "measurement=descent | model=DeepLinear | model=quadratic",
        "data.whiten=true data.num_test=0": "data.num_test=0",
    },
    "walk": {
        "measurement.dimension=9999999999999999999": "measurement.dimension=9999999999999999999 | memory",
        "measurement.solution_step=1001": "measurement.solution_step=1001 | measurement.num_steps=1000",
        "measurement.dimension=1": "measurement.dimension=1 | 2 or more",
        "measurement=principal_walk measurement.num_steps=1": "measurement.num_steps=1 | 2 or more",
        "measurement=principal_walk measurement.origins=[start]": "measurement.origins=['start'] | mean, end",
    },
}


@pytest.mark.parametrize(("base", "arguments"), [(base, row) for base, rows in WRONG.items() for row in rows])
def test_wrong_input_is_status_2_and_says_what_to_do(base: str, arguments: str, cli: Cli) -> None:
    swept = arguments.startswith("+experiment")
    ran = cli(*BASES[base], *arguments.split(), "forecast=off", *([] if swept else [ONE_JOB]))
    assert ran.status == 2, ran.out
    for needle in WRONG[base][arguments].split(" | "):
        assert needle in ran.out
    assert "Traceback" not in ran.out and "Error getting object" not in ran.out
    for file in ran.outputs.glob("*/*/*/result.json"):
        assert Result.load(file.parent).status == "failed"
        assert "Traceback" not in (file.parent / "run.log").read_text()
    assert not list(ran.outputs.glob("**/.*.tmp")) and not list(ran.outputs.glob("**/meta.json"))


def test_a_refusal_is_said_where_it_happens_and_in_the_list_at_the_end(cli: Cli) -> None:
    ran = cli(*TINY, "forecast=off", "optimizer.lr=abc,null")
    for value in ("abc", "null"):
        assert ran.out.count(f"optimizer.lr={value} must be a number") == 2, ran.out
        assert f" of 2 [optimizer.lr={value}]: optimizer.lr={value} must be" in ran.out.split("jobs done")[1]


def test_a_cap_that_is_in_the_way_is_named(cli: Cli) -> None:
    ran = cli(*QUICK[3:], "limits.seeds=1", "endpoints=between_solutions", "training.num_seeds=2", ONE_JOB)
    assert ran.status == 2, ran.out
    assert "run with limits.seeds=2 training.num_seeds=2" in ran.out and "training.num_seeds 2 -> 1" in ran.out


def test_an_unwritable_outputs_folder(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = cli(*QUICK, f"outputs={tmp_path}/file/outputs")
    assert ran.status == 2, ran.out
    assert "outputs=" in ran.out and "Traceback" not in ran.out


def test_full_error_shows_the_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HYDRA_FULL_ERROR", "1")
    ran = cli(*QUICK, "optimizer.lr=-1", ONE_JOB)
    assert ran.status == 2 and "Traceback" in ran.out

"""Models and data of timm, transformers, peft and datasets: J equals their own losses over all of the data."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import landscape as ls
from landscape.cost import CausalLM, CrossEntropy, MaskedLM
from landscape.objective import Objective
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import normal

pytestmark = pytest.mark.models
ALPHAS = np.array([-0.2, 0.0, 0.4, 1.0, 1.3])
N, VOCABULARY, UNLABELLED = 19, 29, -100
IMAGES, CLASSES = normal(N, 3, 32, 32, seed=1), torch.arange(N) * 7 % 5
LOADER = DataLoader(TensorDataset(IMAGES, CLASSES), batch_size=7, shuffle=True)


def package(name: str) -> Any:
    """A package, or a skip with the reason that it cannot be had."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # such as a torchvision that was built for another torch
        pytest.skip(f"{name}: {str(error).splitlines()[0]}")


def ends(make: Callable[[], nn.Module]) -> tuple[nn.Module, nn.Module]:
    """Two nets, of other random numbers each."""
    nets = []
    for seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            nets.append(make().double().eval())
    return nets[0], nets[1]


def line(a: nn.Module, b: nn.Module) -> Linear:
    layout = ParameterLayout.of(a)
    return Linear(layout.theta(a)[None], layout.theta(b)[None])


def at_points(a: nn.Module, b: nn.Module, alphas: Iterable[float] = ALPHAS) -> Iterator[tuple[float, nn.Module]]:
    """A copy of b with its parameters, those that are trained and those that are not, at each point of the line."""
    net = copy.deepcopy(b)
    for alpha in alphas:
        with torch.no_grad():
            for p, first, last in zip(net.parameters(), a.parameters(), b.parameters(), strict=True):
                p.copy_((1 - alpha) * first + alpha * last)
        yield alpha, net


# ---- timm: batch norm ----


def images(name: str) -> tuple[nn.Module, nn.Module]:
    """Two nets whose running statistics are those of different data."""
    nets = ends(lambda: package("timm").create_model(name, pretrained=False, num_classes=5))
    for seed, net in enumerate(nets):
        with torch.no_grad():
            for _ in range(3):
                net.train()(2 * normal(8, 3, 32, 32, seed=5 + seed) + 0.5)
        net.eval()
    return nets


def loss(net: nn.Module) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(net(IMAGES), CLASSES))


def loop(treatment: str, a: nn.Module, b: nn.Module, alphas: Iterable[float] = ALPHAS) -> list[float]:
    values = []
    for alpha, net in at_points(a, b, alphas):
        if treatment == "recalibrate":
            net.train()  # statistics of all examples at once
        if treatment == "interpolate":
            for own, first, last in zip(net.buffers(), a.buffers(), b.buffers(), strict=True):
                own.copy_((1 - alpha) * first + alpha * last if own.is_floating_point() else last)
        values.append(loss(net))
    return values


@pytest.mark.parametrize("treatment", ["keep", "interpolate", "recalibrate"])
@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet"])
def test_a_timm_net(name: str, treatment: str) -> None:
    a, b = images(name)
    right = loop(treatment, a, b, ALPHAS[1:4])
    buffers = [[dict(net.named_buffers())] for net in (a, b)]
    objective = Objective(
        b,
        CrossEntropy(),
        LOADER,
        dtype="float64",
        running_statistics=treatment,
        buffers_0=buffers[0],
        buffers=buffers[1],
        calibration=(IMAGES, CLASSES),  # type: ignore[arg-type]
    )
    found = objective.along(line(a, b), ALPHAS[1:4]).channels["objective"][:, 0]
    np.testing.assert_allclose(found, right, rtol=1e-9)


def test_the_slopes_of_a_timm_net() -> None:
    a, b = images("test_resnet")
    objective = Objective(b, CrossEntropy(), LOADER, dtype="float64", running_statistics="keep")
    found = slopes(objective, line(a, b), ALPHAS[2:3])
    step = 1e-8  # so that few units switch within it
    low, high = loop("keep", a, b, [ALPHAS[2] - step, ALPHAS[2] + step])
    np.testing.assert_allclose(found["slope"][0, 0], (high - low) / (2 * step), rtol=1e-4)
    np.testing.assert_allclose(found["objective"][0], loop("keep", a, b, ALPHAS[2:3]), rtol=1e-9)


# ---- transformers: tokens ----

LENGTHS = torch.arange(N) * 5 % 9 + 2
TEXTS = [(torch.arange(int(n)) * 11 + k * 3) % (VOCABULARY - 4) + 4 for k, n in enumerate(LENGTHS)]


def padded(texts: list[Tensor]) -> Any:
    """A batch as collators make them: tokens, where there are any, and labels that leave out the padding."""
    ids = nn.utils.rnn.pad_sequence(texts, batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(t) for t in texts], batch_first=True)
    found = {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, UNLABELLED)}
    return package("transformers").BatchEncoding(found)


def tiny(kind: str) -> nn.Module:
    """A model from a config, its output layer tied to its embedding."""
    of = package("transformers")
    small = {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    wide = {**small, "intermediate_size": 24, "max_position_embeddings": 16, "tie_word_embeddings": True}
    configs = {
        "GPT2LMHeadModel": lambda: of.GPT2Config(vocab_size=VOCABULARY, n_positions=16, n_embd=16, n_layer=2, n_head=2),
        "LlamaForCausalLM": lambda: of.LlamaConfig(**wide, num_key_value_heads=1, pad_token_id=0),
        "BertForMaskedLM": lambda: of.BertConfig(**wide),
    }
    net: nn.Module = getattr(of, kind)(configs[kind]())
    with torch.no_grad():  # as they begin all tokens are alike
        for p in net.parameters():
            p.add_(0.3 * torch.randn(p.shape))
    return net


def own_loss(net: nn.Module, batches: Iterable[Any], is_causal: bool = True) -> tuple[float, float]:
    """What the model itself says of each batch, in float32, by the tokens that it is the mean of; and in float64."""
    total = exact = count = 0.0
    for batch in batches:
        with torch.no_grad():
            found = net(**batch)
        labels, logits = batch["labels"], found.logits
        if is_causal:
            labels, logits = labels[:, 1:], logits[:, :-1]
        num = int((labels != UNLABELLED).sum())
        total += float(found.loss) * num if num else 0.0
        exact += float(F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum"))
        count += num
    return total / count, exact / count


def assert_equal(found: Any, right: Iterable[tuple[float, float]]) -> None:
    """J at each point is what the model says itself."""
    own, exact = zip(*right, strict=True)
    np.testing.assert_allclose(found[:, 0], own, rtol=1e-6)
    np.testing.assert_allclose(found[:, 0], exact, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 4, N])
@pytest.mark.parametrize("kind", ["GPT2LMHeadModel", "LlamaForCausalLM"])
def test_a_causal_language_model(kind: str, size: int) -> None:
    a, b = ends(lambda: tiny(kind))
    assert len({p.data_ptr() for p in a.parameters()}) < len(a.state_dict())  # tied
    loader: Any = DataLoader(TEXTS, batch_size=size, collate_fn=padded)  # type: ignore[arg-type]
    right = [own_loss(net, loader) for _, net in at_points(a, b)]
    found = Objective(b, CausalLM(), loader, dtype="float64").along(line(a, b), ALPHAS).channels
    assert_equal(found["objective"], right)
    np.testing.assert_allclose(found["perplexity"][:, 0], np.exp([exact for _, exact in right]), rtol=1e-11)


def test_a_masked_language_model_under_its_own_collator() -> None:
    """Which masks at random: each pass sees the same, and J is over what they masked."""
    of, tokens = package("transformers"), package("tokenizers")
    words = {"[PAD]": 0, "[MASK]": 1, "[UNK]": 2, "[CLS]": 3, **{f"w{k}": k for k in range(4, VOCABULARY)}}
    tokenizer = of.PreTrainedTokenizerFast(
        tokenizer_object=tokens.Tokenizer(tokens.models.WordLevel(words, unk_token="[UNK]")),
        pad_token="[PAD]",
        mask_token="[MASK]",
        unk_token="[UNK]",
        cls_token="[CLS]",
    )
    collator = of.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.3)
    rows: Any = [{"input_ids": text} for text in TEXTS]
    loader = DataLoader(rows, batch_size=4, shuffle=True, collate_fn=collator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # as every pass is
        batches = list(loader)
    a, b = ends(lambda: tiny("BertForMaskedLM"))
    right = [own_loss(net, batches, is_causal=False) for _, net in at_points(a, b)]
    assert_equal(
        Objective(b, MaskedLM(), loader, dtype="float64").along(line(a, b), ALPHAS).channels["objective"], right
    )


def test_an_adapter_of_peft_through_the_face() -> None:
    """The base is part of the point and stays where it is; the line goes through the face, over a loader."""
    of, made = package("peft"), tiny("GPT2LMHeadModel")
    config = of.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, init_lora_weights=False)
    a, b = ends(lambda: of.get_peft_model(copy.deepcopy(made), config))
    loader: Any = DataLoader(TEXTS, batch_size=4, collate_fn=padded)  # type: ignore[arg-type]
    right = [own_loss(net, loader) for _, net in at_points(a, b)]
    assert np.ptp([own for own, _ in right]) > 1e-3
    curve = ls.measure(b, ls.line(a, b), data=loader, cost=CausalLM(), alphas=ALPHAS, dtype="float64", progress=False)
    assert_equal(curve.objective, right)


# ---- datasets ----


@pytest.mark.parametrize("is_iterable", [False, True])
def test_a_data_set_of_hugging_face(is_iterable: bool) -> None:
    x, y = normal(N, 4, seed=3).float(), CLASSES
    data = package("datasets").Dataset.from_dict({"input": x.numpy(), "label": y.numpy()})
    data = (data.to_iterable_dataset() if is_iterable else data).with_format("torch")
    net = nn.Linear(4, 5)
    there, here = (Objective(net, CrossEntropy(), source, dtype="float64") for source in ((x, y), data))
    theta = ParameterLayout.of(net).theta(net)[None]
    np.testing.assert_allclose(here(theta), there(theta), rtol=1e-12)
    assert here.is_streamed == is_iterable

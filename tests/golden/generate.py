"""Makes the golden files of this folder that come from packages on PyPI.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate.py --definitions DEFINITIONS.py --out . [NAME ...]

Each case trains one LoRA layer with an optimizer of a published package, on a CPU in float64 and
in one thread, and stores what happened after every step (README.md has the format). The data of
a case come from Python's own generator, seeded with the name of the case, so that they do not
depend on the version of any package.

DEFINITIONS.py holds optimizers that no package has in this form, as classes that take a list of
parameter groups, A's before B's, and have `step` and `zero_grad`. Without it the cases that need
one are left out, with a message.
"""

import argparse
import copy
import importlib.metadata
import importlib.util
import json
import math
import pathlib
import random

import torch

import accelerate  # noqa: F401  (PEFT's LoRA-FA needs it)
import adam_atan2_pytorch
import lion_pytorch
import peft
import peft.optimizers
import prodigyopt
import schedulefree
import transformers.optimization

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Case:
    """What is trained, on what, and with which settings.

    `settings` has every setting by its published name; where the two factors differ, it holds a
    pair, A's value first, wrapped in `Two`. `make(case, layer)` returns the optimizer.
    """

    def __init__(self, name, optimizer, source, make, settings, *, sizes, steps, s,
                 loss="mse", loss_params=None, zero_b=False, size_b=0.5):
        self.name, self.optimizer, self.source, self.make = name, optimizer, source, make
        self.settings = settings
        self.batch, self.n_in, self.n_out, self.r = sizes
        self.steps, self.s = steps, s
        self.loss, self.loss_params = loss, loss_params or {}
        self.zero_b, self.size_b = zero_b, size_b

    def of(self, factor):
        """The settings of the factor "A" or "B"."""
        choose = lambda v: getattr(v, factor) if isinstance(v, Two) else v
        return {name: choose(value) for name, value in self.settings.items()}

    def group(self, factor, parameter, leave_out=()):
        """The factor as a parameter group with its settings."""
        settings = {n: v for n, v in self.of(factor).items() if n not in leave_out}
        return {"params": [parameter], **settings}


class Two:
    """A setting that differs between the factors."""

    def __init__(self, a, b):
        self.A, self.B = a, b


class Plain:
    """One layer written out: Z = X·W0ᵀ + s·(X·Aᵀ)·Bᵀ."""

    def __init__(self, case, w0, a, b):
        self.s, self.w0 = case.s, w0
        self.A, self.B = torch.nn.Parameter(a.clone()), torch.nn.Parameter(b.clone())

    def output(self, x):
        return x @ self.w0.T + self.s * (x @ self.A.T @ self.B.T)


class InPeft:
    """The same layer as PEFT builds it around a `torch.nn.Linear`, with s = lora_alpha / r."""

    def __init__(self, case, w0, a, b):
        network = torch.nn.Sequential(torch.nn.Linear(case.n_in, case.n_out, bias=False))
        config = peft.LoraConfig(r=case.r, lora_alpha=case.s * case.r, target_modules=["0"])
        self.model = peft.get_peft_model(network, config)
        layer = self.model.base_model.model[0]
        assert layer.scaling["default"] == case.s
        self.A, self.B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        with torch.no_grad():
            layer.base_layer.weight.copy_(w0)
            self.A.copy_(a)
            self.B.copy_(b)

    def output(self, x):
        return self.model(x)


# How each optimizer is built. The settings of a case go to the package under its own names.


def by_group(cls, leave_out=(), common=()):
    """An optimizer that takes all settings in its parameter groups; those in `common` are
    arguments of the constructor and the same for both factors."""

    def make(case, layer):
        shared = {name: case.of("A")[name] for name in common}
        out = tuple(leave_out) + tuple(common)
        groups = [case.group("A", layer.A, out), case.group("B", layer.B, out)]
        return cls(groups, **shared)

    make.layer = Plain
    return make


def prodigy(case, layer):
    settings = case.of("A")
    if settings["growth_rate"] is None:
        settings["growth_rate"] = math.inf
    return prodigyopt.Prodigy([layer.A, layer.B], **settings)


prodigy.layer = Plain


class Lbfgs(torch.optim.LBFGS):
    """One iteration at the gradient that is there already; the loss is not read."""

    def step(self):
        return super().step(lambda: torch.zeros(()))


def lbfgs(case, layer):
    return Lbfgs([layer.A, layer.B], **case.of("A"))


lbfgs.layer = Plain


def schedule_free(cls):
    def make(case, layer):
        optimizer = by_group(cls)(case, layer)
        optimizer.train()
        return optimizer

    make.layer = Plain
    return make


def lora_fa(case, layer):
    settings = case.of("A")
    optimizer = peft.optimizers.create_lorafa_optimizer(
        layer.model, r=case.r, lora_alpha=case.s * case.r, lr=settings["lr"],
        weight_decay=settings["weight_decay"])
    # What PEFT's function does not hand on.
    for name in ("betas", "eps", "correct_bias"):
        optimizer.param_groups[0][name] = settings[name]
    return optimizer


lora_fa.layer = InPeft


def riemannian(cls):
    def make(case, layer):
        settings = case.of("A")
        lr, reg = settings.pop("lr"), settings.pop("delta")
        return peft.optimizers.create_riemannian_optimizer(
            layer.model, cls, lr=lr, reg=reg, **settings)

    make.layer = InPeft
    return make


def lora_plus(cls):
    def make(case, layer):
        settings = case.of("A")
        return peft.optimizers.create_loraplus_optimizer(
            layer.model, cls, lr=settings.pop("lr"),
            loraplus_lr_ratio=settings.pop("loraplus_lr_ratio"),
            loraplus_weight_decay=settings.pop("weight_decay"), **settings)

    make.layer = InPeft
    return make


def defined(class_name):
    """An optimizer of the definitions file."""

    def make(case, layer):
        return by_group(getattr(make.definitions, class_name))(case, layer)

    make.layer, make.definitions = Plain, None
    return make


ADAM = {"betas": [0.9, 0.99], "eps": 1e-6}
CASES = [
    Case("adam_maximize", "adam", "torch", by_group(torch.optim.Adam),
         {"lr": 0.01, **ADAM, "weight_decay": 0.0, "amsgrad": False, "maximize": True},
         sizes=(6, 4, 3, 2), steps=14, s=0.75, loss="smooth_l1", loss_params={"beta": 0.5},
         zero_b=True),
    Case("adafactor_clamped", "adafactor", "torch", by_group(torch.optim.Adafactor),
         {"lr": Two(0.05, 0.3), "beta2_decay": -0.5, "eps": [0.2, 0.25], "d": Two(1.0, 1.5),
          "weight_decay": 0.1, "maximize": False},
         sizes=(6, 5, 4, 2), steps=14, s=1.25, zero_b=True),
    Case("asgd_averaging", "asgd", "torch", by_group(torch.optim.ASGD),
         {"lr": Two(0.05, 0.1), "lambd": Two(0.2, 0.1), "alpha": 2.0, "t0": 0.0,
          "weight_decay": 0.1, "maximize": True},
         sizes=(5, 4, 3, 2), steps=10, s=0.5, loss="huber", loss_params={"delta": 1.0}),
    Case("lbfgs_tolerances", "lbfgs", "torch", lbfgs,
         {"lr": 0.5, "max_iter": 1, "max_eval": 1, "tolerance_grad": 0.01,
          "tolerance_change": 0.1, "history_size": 2, "line_search_fn": None,
          "maximize": False},
         sizes=(6, 4, 3, 2), steps=16, s=1.0, zero_b=True),
    Case("muon_rms", "muon", "torch", by_group(torch.optim.Muon),
         {"lr": Two(0.02, 0.05), "weight_decay": 0.1, "momentum": 0.8, "nesterov": False,
          "ns_coefficients": [2.0, -1.5, 0.5], "eps": 1e-7, "ns_steps": 3,
          "adjust_lr_fn": "match_rms_adamw"},
         sizes=(6, 3, 5, 4), steps=12, s=1.5, zero_b=True),
    Case("muon_spectral", "muon", "torch", by_group(torch.optim.Muon),
         {"lr": 0.02, "weight_decay": Two(0.0, 0.2), "momentum": 0.9, "nesterov": True,
          "ns_coefficients": [3.4445, -4.775, 2.0315], "eps": 0.5, "ns_steps": 5,
          "adjust_lr_fn": "spectral_unclamped"},
         sizes=(5, 4, 2, 3), steps=12, s=0.75),
    Case("lamb_phi_max", "lamb", "definitions", defined("LAMB"),
         {"lr": 0.05, **ADAM, "weight_decay": Two(0.1, 0.02), "phi_max": Two(1.25, 0.75),
          "trust_fallback": 1.0},
         sizes=(7, 5, 4, 2), steps=16, s=1.25),
    Case("lars_zero_b", "lars", "definitions", defined("LARS"),
         {"lr": Two(0.5, 0.75), "trust_coefficient": 0.2, "momentum": 0.9, "weight_decay": 0.05,
          "eps": 1e-6, "trust_fallback": Two(0.5, 1.5)},
         sizes=(8, 3, 5, 2), steps=14, s=0.5, loss="huber", loss_params={"delta": 0.75},
         zero_b=True),
    Case("lion_pytorch", "lion", "lion-pytorch", by_group(lion_pytorch.Lion),
         {"lr": Two(0.004, 0.016), "betas": [0.95, 0.98], "weight_decay": Two(0.0, 0.3)},
         sizes=(6, 4, 3, 2), steps=18, s=1.5),
    Case("adam_atan2", "adam_atan2", "adam-atan2-pytorch",
         by_group(adam_atan2_pytorch.AdamAtan2, common=["decoupled_wd"]),
         {"lr": 0.02, "betas": [0.9, 0.99], "weight_decay": 0.1, "a": Two(1.27, 0.75),
          "b": Two(1.0, 1.5), "regen_reg_rate": 0.0, "decoupled_wd": False,
          "cautious_wd": False, "cautious_factor": 1.0},
         sizes=(5, 4, 6, 3), steps=15, s=2.0, zero_b=True),
    Case("adafactor_hf", "adafactor_hf", "transformers",
         by_group(transformers.optimization.Adafactor),
         {"lr": None, "eps": [1e-30, 1e-3], "clip_threshold": 1.0, "decay_rate": -0.8,
          "beta1": None, "weight_decay": 0.0, "scale_parameter": True, "relative_step": True,
          "warmup_init": False},
         sizes=(6, 5, 4, 2), steps=15, s=2.0, zero_b=True),
    Case("adafactor_hf_warmup", "adafactor_hf", "transformers",
         by_group(transformers.optimization.Adafactor),
         {"lr": None, "eps": [1e-6, 0.25], "clip_threshold": Two(0.5, 2.0), "decay_rate": -0.7,
          "beta1": 0.9, "weight_decay": 0.1, "scale_parameter": True, "relative_step": True,
          "warmup_init": True},
         sizes=(6, 4, 5, 3), steps=12, s=1.0),
    Case("adafactor_hf_fixed", "adafactor_hf", "transformers",
         by_group(transformers.optimization.Adafactor),
         {"lr": Two(0.02, 0.05), "eps": [1e-8, 1e-3], "clip_threshold": 1.0, "decay_rate": -0.8,
          "beta1": 0.8, "weight_decay": 0.1, "scale_parameter": False, "relative_step": False,
          "warmup_init": False},
         sizes=(5, 3, 4, 2), steps=16, s=1.5),
    Case("prodigy", "prodigy", "prodigyopt", prodigy,
         {"lr": 1.0, "betas": [0.9, 0.99], "beta3": None, "eps": 1e-8, "weight_decay": 0.05,
          "decouple": True, "use_bias_correction": False, "safeguard_warmup": False,
          "d0": 0.001, "d_coef": 1.0, "growth_rate": None, "slice_p": 1, "fsdp_in_use": False},
         sizes=(6, 4, 5, 2), steps=24, s=1.0),
    Case("prodigy_growth", "prodigy", "prodigyopt", prodigy,
         {"lr": 0.5, "betas": [0.8, 0.95], "beta3": 0.9, "eps": 1e-3, "weight_decay": 0.1,
          "decouple": False, "use_bias_correction": True, "safeguard_warmup": True,
          "d0": 0.001, "d_coef": 8.0, "growth_rate": 1.25, "slice_p": 1, "fsdp_in_use": False},
         sizes=(5, 3, 4, 2), steps=20, s=1.5, zero_b=True),
    Case("schedulefree_sgd", "schedulefree_sgd", "schedulefree",
         schedule_free(schedulefree.SGDScheduleFree),
         {"lr": Two(0.1, 0.2), "momentum": 0.9, "weight_decay": 0.05, "warmup_steps": 0,
          "r": 0.0, "weight_lr_power": 2, "foreach": False},
         sizes=(6, 4, 3, 2), steps=20, s=1.25, zero_b=True),
    Case("schedulefree_sgd_warmup", "schedulefree_sgd", "schedulefree",
         schedule_free(schedulefree.SGDScheduleFree),
         {"lr": 0.2, "momentum": 0.75, "weight_decay": 0.0, "warmup_steps": 6,
          "r": 0.5, "weight_lr_power": 1, "foreach": False},
         sizes=(5, 4, 4, 2), steps=16, s=0.75, loss="huber", loss_params={"delta": 1.0}),
    Case("schedulefree_adamw", "schedulefree_adamw", "schedulefree",
         schedule_free(schedulefree.AdamWScheduleFree),
         {"lr": Two(0.02, 0.05), "betas": [0.9, 0.99], "eps": 1e-6, "weight_decay": 0.1,
          "warmup_steps": 5, "r": 0.0, "weight_lr_power": 2, "foreach": False},
         sizes=(6, 5, 3, 2), steps=18, s=1.5, zero_b=True),
    Case("schedulefree_adamw_r", "schedulefree_adamw", "schedulefree",
         schedule_free(schedulefree.AdamWScheduleFree),
         {"lr": 0.03, "betas": [0.95, 0.98], "eps": 1e-8, "weight_decay": 0.0,
          "warmup_steps": 0, "r": 1.0, "weight_lr_power": 0, "foreach": True},
         sizes=(4, 3, 5, 3), steps=15, s=1.0),
    Case("peft_lora_fa", "lora_fa", "peft", lora_fa,
         {"lr": 0.02, "betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.1,
          "correct_bias": True},
         sizes=(6, 4, 5, 2), steps=15, s=2.0, zero_b=True),
    Case("peft_lora_fa_no_correction", "lora_fa", "peft", lora_fa,
         {"lr": 0.01, "betas": [0.8, 0.9], "eps": 1e-2, "weight_decay": 0.0,
          "correct_bias": False},
         sizes=(5, 5, 3, 3), steps=12, s=0.5),
    Case("peft_riemannian_adamw", "scaled_adamw", "peft", riemannian(torch.optim.AdamW),
         {"lr": 0.02, "delta": 0.01, "betas": [0.9, 0.99], "eps": 1e-8, "weight_decay": 0.1},
         sizes=(6, 4, 5, 2), steps=16, s=1.0, zero_b=True),
    Case("peft_riemannian_sgd", "scaled_gd", "peft", riemannian(torch.optim.SGD),
         {"lr": 0.02, "delta": 0.25},
         sizes=(6, 5, 4, 3), steps=16, s=1.5),
    Case("peft_loraplus_adamw", "adamw", "peft", lora_plus(torch.optim.AdamW),
         {"lr": 0.002, "loraplus_lr_ratio": 16.0, "betas": [0.9, 0.99], "eps": 1e-8,
          "weight_decay": 0.05, "amsgrad": False, "maximize": False},
         sizes=(6, 4, 5, 2), steps=16, s=1.0, zero_b=True),
    Case("peft_loraplus_sgd", "sgd", "peft", lora_plus(torch.optim.SGD),
         {"lr": 0.01, "loraplus_lr_ratio": 4.0, "momentum": 0.9, "dampening": 0.0,
          "weight_decay": 0.0, "nesterov": True, "maximize": False},
         sizes=(5, 4, 3, 2), steps=14, s=1.25, zero_b=True),
    Case("lora_rite", "lora_rite", "definitions", defined("LoRARITE"),
         {"lr": Two(0.05, 0.02), "betas": [0.9, 0.99], "eps": 1e-6},
         sizes=(7, 5, 4, 2), steps=14, s=1.5, size_b=1.0),
    Case("lora_rite_rank_3", "lora_rite", "definitions", defined("LoRARITE"),
         {"lr": 0.02, "betas": [0.8, 0.95], "eps": Two(0.1, 0.05)},
         sizes=(8, 6, 5, 3), steps=12, s=0.75, size_b=1.0),
]


def problem(case):
    """X, Y, W0, A0 and B0 of the case."""
    generator = random.Random(f"lora-golden {case.name}")

    def draw(rows, cols, size=1.0):
        rows_of = lambda: [generator.gauss(0.0, size) for _ in range(cols)]
        return torch.tensor([rows_of() for _ in range(rows)])

    x = draw(case.batch, case.n_in)
    y = draw(case.batch, case.n_out, 2.0)
    w0 = draw(case.n_out, case.n_in, 0.5)
    a = draw(case.r, case.n_in, 0.75)
    b = draw(case.n_out, case.r, case.size_b)
    return x, y, w0, a, torch.zeros_like(b) if case.zero_b else b


def loss_of(case, z, y):
    if case.loss == "mse":
        return torch.nn.functional.mse_loss(z, y)
    if case.loss == "huber":
        return torch.nn.functional.huber_loss(z, y, delta=case.loss_params["delta"])
    assert case.loss == "smooth_l1"
    return torch.nn.functional.smooth_l1_loss(z, y, beta=case.loss_params["beta"])


def train(case, x, y, w0, a, b):
    """Losses before each step, A and B after each, and the loss at the end."""
    layer = case.make.layer(case, w0, a, b)
    optimizer = case.make(case, layer)
    losses, of_a, of_b = [], [], []
    for _ in range(case.steps):
        optimizer.zero_grad()
        loss = loss_of(case, layer.output(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        of_a.append(layer.A.detach().clone())
        of_b.append(layer.B.detach().clone())
    with torch.no_grad():
        last = loss_of(case, layer.output(x), y).item()
    return losses, of_a, of_b, last


def sensitivity(run, other):
    """The largest change of a result of one run in the other, relative to the largest entry."""
    change = lambda u, v: ((u - v).abs().max() / u.abs().max()).item() if u.any() else 0.0
    scalars = zip(run[0] + [run[3]], other[0] + [other[3]])
    tensors = zip(run[1] + run[2], other[1] + other[2])
    return max([abs(u - v) / abs(u) for u, v in scalars] + [change(u, v) for u, v in tensors])


def flat(tensor):
    return tensor.flatten().tolist()


def golden(case):
    """The case as it is stored."""
    x, y, w0, a, b = problem(case)
    run = train(case, x, y, w0, a, b)
    nearby = train(case, x, y, w0, a * (1 + 1e-14), b)
    losses, of_a, of_b, last = run
    # How the arithmetic is laid out is no setting of the optimizer.
    settings = [{n: v for n, v in case.of(f).items() if n != "foreach"} for f in "AB"]
    source = case.source
    if source != "definitions":
        source += " " + importlib.metadata.version(source)
    hexadecimal = lambda values: [value.hex() for value in values]
    return {
        "format": "lora-golden-v1", "id": case.name, "torch_version": torch.__version__,
        "source": source, "optimizer": case.optimizer,
        "hyper_A": settings[0], "hyper_B": settings[1], "clip": None,
        "loss": case.loss, "loss_params": case.loss_params,
        "shapes": {"batch": case.batch, "n_in": case.n_in, "n_out": case.n_out, "r": case.r,
                   "X": list(x.shape), "Y": list(y.shape), "W0": list(w0.shape),
                   "A": list(a.shape), "B": list(b.shape)},
        "s": case.s, "steps": case.steps, "zero_B": case.zero_b,
        "X": flat(x), "Y": flat(y), "W0": flat(w0), "A0": flat(a), "B0": flat(b),
        "losses": losses, "losses_hex": hexadecimal(losses), "final_loss": last,
        "A": [flat(t) for t in of_a], "B": [flat(t) for t in of_b],
        "A_final_hex": hexadecimal(flat(of_a[-1])), "B_final_hex": hexadecimal(flat(of_b[-1])),
        "sensitivity_A0_rel_1e_14": sensitivity(run, nearby),
    }


def module(path):
    spec = importlib.util.spec_from_file_location("definitions", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="the cases to make; all when none is given")
    parser.add_argument("--definitions", type=pathlib.Path, help="optimizers that no package has")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    arguments = parser.parse_args()
    known = {case.name for case in CASES}
    if unknown := set(arguments.names) - known:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    definitions = module(arguments.definitions) if arguments.definitions else None
    for case in CASES:
        if arguments.names and case.name not in arguments.names:
            continue
        if case.source == "definitions":
            if definitions is None:
                print(f"{case.name}: left out, it needs --definitions")
                continue
            case.make.definitions = definitions
        made = golden(case)
        path = arguments.out / f"{case.name}.json"
        path.write_text(json.dumps(made, allow_nan=False))
        print(f"{path}: {made['losses'][0]:.4g} to {made['final_loss']:.4g}, "
              f"sensitivity {made['sensitivity_A0_rel_1e_14']:.2g}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""Writes tests/golden/models/*.json: runs of PyTorch and PEFT modules, step by step.

Each model is a real module: an adapter that PEFT puts into a tiny network, or plain torch.nn where
PEFT has nothing. It is trained in float64 by torch.optim with one parameter group for each tensor,
torch.nn.utils clips its gradients, and the schedulers of torch.optim and transformers change its
rates. README.md in this folder describes the files.

    python tests/golden/generate_models.py [NAME ...]
"""

import json
import pathlib
import sys

import peft
import torch
import transformers
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent / "models"
STEPS = 6
NUDGE = 1e-14


def matrix(t):
    """A tensor as this crate's matrix: biases are rows."""
    return t if t.ndim == 2 else t.reshape(1, -1)


def short(t):
    """The nearest multiples of 1/1024, which have short decimals."""
    return torch.round(t.double() * 1024) / 1024


def normal(*shape):
    return short(torch.randn(*shape, dtype=torch.float64))


class Net(nn.Module):
    """A network whose forward pass is a function of its layers."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.forward_of = forward

    def forward(self, x):
        return self.forward_of(self, x)


class Case:
    """A module with the names that this crate has for its tensors."""

    def __init__(self, module, sizes, x, trained, data, scalars=None, columns=()):
        self.module = module.double()
        self.sizes = sizes
        self.x = x
        self.trained = trained
        self.data = data
        self.scalars = scalars or {}
        self.columns = columns
        self.before_forward = lambda: None
        with torch.no_grad():
            for p in module.parameters():
                p.copy_(short(p))

    def of_crate(self, name, t):
        return t.reshape(-1, 1) if name in self.columns else matrix(t)


def lora(net, targets, **settings):
    """`net` with PEFT's LoRA of rank 2 and alpha 3 on `targets`."""
    config = peft.LoraConfig(r=2, lora_alpha=3, target_modules=targets, **settings)
    return peft.get_peft_model(net, config).base_model.model


def factors(layer):
    return layer.lora_A["default"].weight, layer.lora_B["default"].weight


BATCH, N_IN, N_OUT = 5, 4, 3
SIZES = {"batch": BATCH, "n_in": N_IN, "n_out": N_OUT, "r": 2}


def linear_case(dropout=0.0, **settings):
    bias = settings.get("lora_bias", False)
    net = Net(lambda n, x: n.layer(x), layer=nn.Linear(N_IN, N_OUT, bias=bias))
    net = lora(net, ["layer"], lora_dropout=dropout, **settings)
    layer = net.layer
    a, b = factors(layer)
    base = layer.base_layer
    return Case(net, SIZES, normal(BATCH, N_IN), {"A": a, "B": b}, {"W0": base.weight}, {"s": 1.5})


def dropout_case():
    case = linear_case(dropout=0.25)
    # One mask for the whole run: the generator is set back before each forward pass.
    case.before_forward = lambda: torch.manual_seed(99)
    case.before_forward()
    kept = case.module.layer.lora_dropout["default"](torch.ones(BATCH, N_IN, dtype=torch.float64))
    case.data["M"] = (kept != 0).double()
    assert 0 < case.data["M"].sum() < BATCH * N_IN
    case.scalars["dropout"] = 0.25
    return case


def lora_bias_case():
    case = linear_case(lora_bias=True)
    layer = case.module.layer
    case.trained["bias"] = layer.lora_B["default"].bias
    case.data["bias0"] = layer.base_layer.bias
    return case


def dora_case():
    case = linear_case(use_dora=True)
    layer = case.module.layer
    m = layer.lora_magnitude_vector["default"].weight
    with torch.no_grad():
        m.copy_(short(torch.linalg.norm(layer.base_layer.weight, dim=1)))
    case.trained["m"] = m
    case.columns = ("m",)
    return case


def embedding_case():
    vocab = 6
    net = lora(Net(lambda n, x: n.table(x), table=nn.Embedding(vocab, N_OUT)), ["table"])
    table = net.table
    words = torch.tensor([0, 3, 5, 3, 1])
    case = Case(
        net,
        {"batch": BATCH, "vocab": vocab, "n_out": N_OUT, "r": 2},
        words,
        {"A": table.lora_embedding_A["default"], "B": table.lora_embedding_B["default"]},
        {"W0": table.base_layer.weight, "X": F.one_hot(words, vocab).double()},
        {"s": 1.5},
    )
    return case


def mlp_case(activation):
    hidden = 4
    net = Net(
        lambda n, x: n.second(activation(n.first(x))),
        first=nn.Linear(N_IN, hidden),
        second=nn.Linear(hidden, N_OUT),
    )
    net = lora(net, ["first", "second"])
    trained, data = {}, {}
    for i, layer in [(1, net.first), (2, net.second)]:
        trained[f"A{i}"], trained[f"B{i}"] = factors(layer)
        data[f"W0_{i}"] = layer.base_layer.weight
        data[f"b{i}"] = layer.base_layer.bias
    # Each layer has a scale of its own.
    net.second.scaling["default"] = 0.75
    scalars = {"s1": 1.5, "s2": 0.75}
    sizes = SIZES | {"hidden": hidden}
    return Case(net, sizes, normal(BATCH, N_IN), trained, data, scalars)


def attention_case():
    head = 3

    def forward(n, x):
        one = lambda t: t.reshape(1, 1, *t.shape)
        out = F.scaled_dot_product_attention(one(n.q(x)), one(n.k(x)), one(n.v(x)))
        return n.o(out.reshape(x.shape[0], head))

    layers = {name: nn.Linear(N_IN, head, bias=False) for name in "qkv"}
    net = Net(forward, o=nn.Linear(head, N_OUT, bias=False), **layers)
    # Far enough from the uniform attention of small weights.
    for layer in layers.values():
        nn.init.normal_(layer.weight)
    net = lora(net, ["q", "v"])
    trained, data = {}, {"Wk": net.k.weight, "Wo": net.o.weight}
    for name, layer in [("q", net.q), ("v", net.v)]:
        trained[f"A{name}"], trained[f"B{name}"] = factors(layer)
        data[f"W0_{name}"] = layer.base_layer.weight
    net.v.scaling["default"] = 0.75
    scalars = {"sq": 1.5, "sv": 0.75}
    return Case(net, SIZES | {"head": head}, normal(BATCH, N_IN), trained, data, scalars)


def loha_case():
    net = Net(lambda n, x: n.layer(x), layer=nn.Linear(N_IN, N_OUT, bias=False))
    config = peft.LoHaConfig(r=2, alpha=3, target_modules=["layer"])
    net = peft.get_peft_model(net, config).base_model.model
    layer = net.layer
    named = {"B1": "hada_w1_a", "A1": "hada_w1_b", "B2": "hada_w2_a", "A2": "hada_w2_b"}
    trained = {name: getattr(layer, peft_name)["default"] for name, peft_name in named.items()}
    data = {"W0": layer.base_layer.weight}
    return Case(net, SIZES, normal(BATCH, N_IN), trained, data, {"s": 1.5})


def lokr_case():
    c_in, d_in, c_out, d_out, r = 2, 5, 2, 3, 2
    net = Net(lambda n, x: n.layer(x), layer=nn.Linear(c_in * d_in, c_out * d_out, bias=False))
    config = peft.LoKrConfig(r=r, alpha=3, target_modules=["layer"], decompose_factor=2)
    net = peft.get_peft_model(net, config).base_model.model
    layer = net.layer
    named = {"C": "lokr_w1", "B": "lokr_w2_a", "A": "lokr_w2_b"}
    trained = {name: getattr(layer, peft_name)["default"] for name, peft_name in named.items()}
    assert trained["C"].shape == (c_out, c_in) and trained["A"].shape == (r, d_in)
    sizes = {"batch": BATCH, "c_in": c_in, "d_in": d_in, "c_out": c_out, "d_out": d_out, "r": r}
    data = {"W0": layer.base_layer.weight}
    return Case(net, sizes, normal(BATCH, c_in * d_in), trained, data, {"s": 1.5})


def joint_case():
    hidden = 4
    net = Net(
        lambda n, x: n.head(torch.tanh(n.layer(x))),
        layer=nn.Linear(N_IN, hidden, bias=False),
        head=nn.Linear(hidden, N_OUT),
    )
    net = lora(net, ["layer"], modules_to_save=["head"])
    a, b = factors(net.layer)
    head = net.head.modules_to_save["default"]
    trained = {"A": a, "B": b, "H": head.weight, "bias": head.bias}
    data = {"W0": net.layer.base_layer.weight}
    return Case(net, SIZES | {"hidden": hidden}, normal(BATCH, N_IN), trained, data, {"s": 1.5})


CASES = {
    "linear": linear_case,
    "linear_dropout": dropout_case,
    "embedding": embedding_case,
    "mlp_tanh": lambda: mlp_case(nn.Tanh()),
    "mlp_relu": lambda: mlp_case(nn.ReLU()),
    "mlp_gelu": lambda: mlp_case(nn.GELU()),
    "attention": attention_case,
    "loha": loha_case,
    "lokr": lokr_case,
    "dora": dora_case,
    "lora_bias": lora_bias_case,
    "joint": joint_case,
}

# A rate for each tensor, so that none can be taken for another.
SPREAD = [1.0, 1.5, 0.75, 1.25]
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, 0.125, {"momentum": 0.5, "weight_decay": 0.0625}),
    "adamw": (torch.optim.AdamW, 0.03125, {"beta1": 0.75, "beta2": 0.875, "eps": 1e-6, "weight_decay": 0.0625}),
}


class Run:
    """One training run and its figures."""

    def __init__(self, model, optimizer, loss="mse", reduction="mean", clip=None, schedule=None, batches=1,
                 scaling=None, scale=None):
        self.model, self.optimizer, self.loss, self.reduction = model, optimizer, loss, reduction
        self.clip, self.schedule, self.batches = clip, schedule, batches
        self.scaling, self.scale = scaling, scale

    def start(self):
        torch.manual_seed(0)
        case = CASES[self.model]()
        xs, ys = [case.x], []
        for i in range(self.batches):
            if i > 0:
                xs.append(normal(*case.x.shape))
            with torch.no_grad():
                rows, cols = case.module(case.x).shape
            classes = torch.randint(cols, (rows,))
            ys.append(classes if self.loss == "cross_entropy" else normal(rows, cols))
        return case, xs, ys

    def train(self, nudge=0.0):
        case, xs, ys = self.start()
        kind, rate, settings = OPTIMIZERS[self.optimizer]
        rates = {name: rate * SPREAD[i % 4] for i, name in enumerate(case.trained)}
        with torch.no_grad():
            for p in case.trained.values():
                p.mul_(1 + nudge)
        keywords = {k: v for k, v in settings.items() if not k.startswith("beta")}
        if "beta1" in settings:
            keywords["betas"] = (settings["beta1"], settings["beta2"])
        groups = [{"params": [p], "lr": rates[name]} for name, p in case.trained.items()]
        frozen = [p for p in case.module.parameters() if not any(p is q for q in case.trained.values())]
        for p in frozen:
            p.requires_grad_(False)
        optimizer = kind(groups, lr=rate, **keywords)
        scheduler = self.schedule[1](optimizer) if self.schedule else None
        scaler = torch.amp.GradScaler("cpu", init_scale=self.scale) if self.scaling == "unscaled" else None
        first = {name: p.detach().clone() for name, p in case.trained.items()}

        def loss_of(x, y):
            case.before_forward()
            loss = getattr(F, {"mse": "mse_loss"}.get(self.loss, self.loss))
            return loss(case.module(x), y, reduction=self.reduction) / self.batches

        losses, parameters = [], {name: [] for name in case.trained}
        for _ in range(STEPS):
            optimizer.zero_grad()
            total = 0.0
            for x, y in zip(xs, ys):
                loss = loss_of(x, y)
                total += loss.item()
                if scaler:
                    loss = scaler.scale(loss)
                elif self.scaling == "kept":
                    loss = loss * self.scale
                loss.backward()
            losses.append(total)
            if scaler:
                scaler.unscale_(optimizer)
            if self.clip:
                self.clip[1](case.trained)
            if scaler:
                scaler.step(optimizer)
                scaler.update()
            else:
                optimizer.step()
            if scheduler:
                scheduler.step()
            for name, p in case.trained.items():
                parameters[name].append(case.of_crate(name, p.detach()).flatten().tolist())
        final = sum(loss_of(x, y).item() for x, y in zip(xs, ys))
        return case, xs, ys, first, rates, settings, losses, final, parameters

    def document(self, name):
        case, xs, ys, first, rates, settings, losses, final, parameters = self.train()
        *_, losses_2, final_2, parameters_2 = self.train(NUDGE)
        sensitivity = max(
            relative(parameters, parameters_2, case.trained),
            relative({"loss": [[x] for x in [*losses, final]]}, {"loss": [[x] for x in [*losses_2, final_2]]}, ["loss"]),
        )
        tensors = {n: case.of_crate(n, t) for n, t in [*first.items(), *case.data.items()]}
        label = lambda base, i: base if self.batches == 1 else f"{base}_{i + 1}"
        for i, (x, y) in enumerate(zip(xs, ys)):
            if "X" not in case.data:
                tensors[label("X", i)] = x
            tensors[label("Y", i)] = F.one_hot(y, N_OUT) if self.loss == "cross_entropy" else y
        scalars = case.scalars | settings | {f"lr_{n}": lr for n, lr in rates.items()}
        if self.scaling:
            scalars["loss_scale"] = self.scale
        scenario = {
            "name": name, "model": self.model, "loss": self.loss, "reduction": self.reduction,
            "optimizer": self.optimizer, "steps": STEPS, "sizes": case.sizes,
        }
        if self.clip:
            scenario["clip"] = self.clip[0]
            scalars |= self.clip[2]
        if self.schedule:
            scenario["schedule"] = self.schedule[0]
            scalars |= self.schedule[2] if len(self.schedule) > 2 else {}
        if self.batches > 1:
            scenario["gradient_accumulation_steps"] = self.batches
        if self.scaling:
            scenario["loss_scaling"] = self.scaling
        scenario["hyperparameters"] = scalars
        scenario["tensors"] = {
            n: {"rows": t.shape[0], "cols": t.shape[1], "values": t.double().flatten().tolist()}
            for n, t in sorted(tensors.items())
        }
        return {
            "format": "lora-golden-models-v1",
            "id": name,
            "versions": {
                "torch": torch.__version__.split("+")[0],
                "peft": peft.__version__,
                "transformers": transformers.__version__,
            },
            "scenario": scenario,
            "losses": losses,
            "final_loss": final,
            "parameters": parameters,
            "sensitivity_start_rel_1e_14": max(sensitivity, NUDGE),
        }


def relative(left, right, names):
    """The largest change of any tensor, relative to its largest entry."""
    worst = 0.0
    for name in names:
        for x, y in zip(left[name], right[name]):
            size = max(abs(v) for v in x)
            if size > 0:
                worst = max(worst, max(abs(a - b) for a, b in zip(x, y)) / size)
    return worst


def clip_value(bounds):
    def clip(trained):
        for name, p in trained.items():
            nn.utils.clip_grad_value_([p], bounds[name])
    return "value", clip, {f"clip_value_{n}": b for n, b in bounds.items()}


def clip_norm(bound):
    return "norm", lambda trained: nn.utils.clip_grad_norm_(trained.values(), bound), {"max_norm": bound}


def clip_norm_per_tensor(bounds):
    def clip(trained):
        for name, p in trained.items():
            nn.utils.clip_grad_norm_([p], bounds[name])
    return "norm-per-tensor", clip, {f"max_norm_{n}": b for n, b in bounds.items()}


S = torch.optim.lr_scheduler
T = transformers.optimization
SCHEDULES = {
    "linear": ({"kind": "linear", "start_factor": 0.25, "end_factor": 1, "total_iters": 4},
               lambda o: S.LinearLR(o, 0.25, 1.0, 4)),
    "cosine": ({"kind": "cosine", "t_max": 8}, lambda o: S.CosineAnnealingLR(o, 8, 0.03125), {"eta_min": 0.03125}),
    "constant": ({"kind": "constant"}, lambda o: T.get_constant_schedule(o)),
    "exponential": ({"kind": "exponential", "gamma": 0.875}, lambda o: S.ExponentialLR(o, 0.875)),
    "step": ({"kind": "step", "step_size": 2, "gamma": 0.5}, lambda o: S.StepLR(o, 2, 0.5)),
    "inverse_sqrt": ({"kind": "inverse_sqrt"}, lambda o: T.get_inverse_sqrt_schedule(o, 0, timescale=1)),
    "constant_with_warmup": ({"kind": "constant_with_warmup", "warmup_steps": 3},
                             lambda o: T.get_constant_schedule_with_warmup(o, 3)),
    "linear_with_warmup": ({"kind": "linear_with_warmup", "warmup_steps": 2, "total_steps": 5},
                           lambda o: T.get_linear_schedule_with_warmup(o, 2, 5)),
    # The floor of a group is min_lr times its rate over the default rate.
    "cosine_with_min_lr": ({"kind": "cosine_with_min_lr", "warmup_steps": 2, "total_steps": 8},
                           lambda o: T.get_cosine_with_min_lr_schedule_with_warmup(o, 2, 8, min_lr=0.03125),
                           {"min_lr_A": 0.03125, "min_lr_B": 0.03125 * 1.5}),
}

RUNS = {f"{model}_{optimizer}": Run(model, optimizer)
        for model in CASES if model != "linear" for optimizer in OPTIMIZERS}
RUNS |= {f"schedule_{name}": Run("linear", "sgd", schedule=s) for name, s in SCHEDULES.items()}
RUNS |= {
    "attention_cross_entropy": Run("attention", "adamw", loss="cross_entropy"),
    "clip_value": Run("dora", "sgd", clip=clip_value({"A": 0.03125, "B": 0.125, "m": 0.0625})),
    "clip_norm": Run("joint", "sgd", clip=clip_norm(0.25)),
    "clip_norm_per_tensor": Run("linear", "sgd", clip=clip_norm_per_tensor({"A": 0.0625, "B": 0.125})),
    "accumulation": Run("linear", "adamw", batches=3),
    "accumulation_sum_clip": Run("mlp_tanh", "sgd", reduction="sum", batches=2, clip=clip_norm(0.25)),
    "loss_scaling_unscaled": Run("linear", "adamw", scaling="unscaled", scale=1024.0, clip=clip_norm(0.5)),
    "loss_scaling_kept": Run("linear", "adamw", scaling="kept", scale=8.0, batches=2),
}


def main():
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(RUNS)
    for name in wanted:
        document = RUNS[name].document(name)
        lines = ",\n ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in document.items())
        (FOLDER / f"{name}.json").write_text("{" + lines + "}\n")
        losses = [*document["losses"], document["final_loss"]]
        print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}, "
              f"sensitivity {document['sensitivity_start_rel_1e_14']:.1e}")


main()

"""Writes tests/peft/initialisation.json: what PEFT's initialisations make of alpha.

Each scheme builds the adapter several times, with the same seed and the same base weight but with
alpha times 4 and times 16. Recorded is which start value is zero, the power of alpha that it is
multiplied by, bit by bit (all factors are powers of two, which do not round), and whether the
network computes the same before the first step whatever alpha is.

    python tests/peft/check_initialisation.py
"""

import json
import pathlib

import peft
import torch
from peft.tuners.lora.corda import preprocess_corda
from peft.tuners.lora.loraga import preprocess_loraga
from torch import nn

RANK, N_IN, N_OUT, BATCH = 4, 12, 8, 32
ALPHAS = [2, 8, 32]
# The factor of each power when alpha is multiplied by 4.
POWERS = {"-1": 0.25, "-1/2": 0.5, "0": 1.0, "1/2": 2.0, "1": 4.0}

SCHEMES = {
    "default": {"init_lora_weights": True},
    "false": {"init_lora_weights": False},
    "gaussian": {"init_lora_weights": "gaussian"},
    "embedding": {"init_lora_weights": True},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "pissa": {"init_lora_weights": "pissa"},
    "pissa_niter": {"init_lora_weights": "pissa_niter_4"},
    "corda": {"init_lora_weights": "corda", "corda_config": {"corda_method": "ipm"}},
    "eva": {"init_lora_weights": "eva"},
    "olora": {"init_lora_weights": "olora"},
    "lora_ga": {"init_lora_weights": "lora_ga", "lora_ga_config": {"scale": "stable"}},
    "lora_ga_gd_scale": {"init_lora_weights": "lora_ga", "lora_ga_config": {"scale": "gd_scale"}},
    "lora_ga_unit": {"init_lora_weights": "lora_ga", "lora_ga_config": {"scale": "unit"}},
    "lora_ga_weight_svd": {"init_lora_weights": "lora_ga", "lora_ga_config": {"scale": "weight_svd"}},
    "mica": {"init_lora_weights": "mica"},
}


class Network(nn.Module):
    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x


def configured(settings, alpha, layers):
    settings = dict(settings)
    for field, kind in [("corda_config", peft.tuners.lora.config.CordaConfig), ("lora_ga_config", peft.LoraGAConfig)]:
        if field in settings:
            settings[field] = kind(**settings[field])
    return peft.LoraConfig(r=RANK, lora_alpha=alpha, target_modules=layers, **settings)


def eva(model, inputs):
    """EVA's own initialisation, from one batch of inputs."""
    peft.initialize_lora_eva_weights(
        model,
        [inputs],
        forward_fn=lambda model, x: model(x),
        prepare_model_inputs_fn=None,
        prepare_layer_inputs_fn=None,
        show_progress_bar=False,
    )


def start(scheme, alpha):
    """A, B, the frozen weight and what it was, before the first step."""
    torch.manual_seed(0)
    embedding = scheme == "embedding"
    network = Network(layer=nn.Embedding(N_IN, N_OUT) if embedding else nn.Linear(N_IN, N_OUT, bias=False))
    inputs = torch.randn(BATCH, N_IN) * torch.arange(1, N_IN + 1)
    targets = torch.randn(BATCH, N_OUT)
    before = network.layer.weight.detach().clone()
    config = configured(SCHEMES[scheme], alpha, ["layer"])
    if scheme.startswith("corda"):
        preprocess_corda(network, config, run_model=lambda: network(inputs))
    if scheme.startswith("lora_ga"):
        preprocess_loraga(network, config, lambda: ((network(inputs) - targets) ** 2).mean().backward())
    model = peft.get_peft_model(network, config)
    if scheme == "eva":
        eva(model, inputs)
    layer = model.base_model.model.layer
    assert layer.scaling["default"] == alpha / RANK
    if embedding:
        a, b = layer.lora_embedding_A["default"], layer.lora_embedding_B["default"]
    else:
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert a.shape == (RANK, N_IN) and b.shape == (N_OUT, RANK)
    weight = layer.base_layer.weight.detach()
    update = alpha / RANK * (b @ a).detach()
    merged = weight + (update.T if embedding else update)
    kept = torch.allclose(merged, before, rtol=1e-4, atol=1e-5)
    return {"A0": a.detach(), "B0": b.detach(), "W0": weight, "kept": kept}


def redistributed(alpha):
    """What EVA makes of alpha where it gives the ranks of some layers to others."""
    torch.manual_seed(0)
    first, second = nn.Linear(N_IN, N_IN, bias=False), nn.Linear(N_IN, N_OUT, bias=False)
    # Inputs of the second layer vary in few directions.
    with torch.no_grad():
        first.weight.copy_(torch.diag(torch.tensor([0.0] * (N_IN - 2) + [1.0, 1.0])))
    network = Network(first=first, second=second)
    inputs = torch.randn(BATCH, N_IN)
    model = peft.get_peft_model(network, configured({"init_lora_weights": "eva"}, alpha, ["first", "second"]))
    eva(model, inputs)
    layers = {"first": model.base_model.model.first, "second": model.base_model.model.second}
    layers = {name: layer for name, layer in layers.items() if hasattr(layer, "scaling")}
    return {
        name: {
            "rank": layer.r["default"],
            "alpha": layer.lora_alpha["default"],
            "scaling": layer.scaling["default"],
        }
        for name, layer in layers.items()
    }


def power(values):
    """The power of alpha between each value and the next, or `none` where there is no such power."""
    fits = [
        name
        for name, factor in POWERS.items()
        if all(torch.equal(x * factor, y) for x, y in zip(values, values[1:]))
    ]
    return fits[0] if len(fits) == 1 else "none"


def record(scheme):
    runs = [start(scheme, alpha) for alpha in ALPHAS]
    of = {name: [run[name] for run in runs] for name in ["A0", "B0", "W0"]}
    zero = [name for name, values in of.items() if all(bool((x == 0).all()) for x in values)]
    return {
        **SCHEMES[scheme],
        "zero": zero,
        "power_of_alpha": {name: power(values) for name, values in of.items() if name not in zero},
        "network": "kept" if all(run["kept"] for run in runs) else "moves",
    }


def main():
    document = {
        "versions": {"torch": torch.__version__.split("+")[0], "peft": peft.__version__},
        "rank": RANK,
        "alphas": ALPHAS,
        "schemes": {scheme: record(scheme) for scheme in SCHEMES},
        "eva_redistributed": {str(alpha): redistributed(alpha) for alpha in ALPHAS},
    }
    path = pathlib.Path(__file__).parent / "initialisation.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    for scheme, found in document["schemes"].items():
        print(scheme, "zero:", found["zero"], found["power_of_alpha"], found["network"])
    print(json.dumps(document["eva_redistributed"]))


main()

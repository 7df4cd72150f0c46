"""Writes tests/peft/initialisation.json: what PEFT's initialisations make of alpha.

Each scheme builds the adapter several times, with the same seed and the same base weight but with
alpha times 4 and times 16. Recorded is which start value is zero, and the power of alpha that it
is multiplied by, bit by bit: all factors are powers of two, which do not round.

    python tests/peft/check_initialisation.py
"""

import copy
import json
import pathlib

import peft
import torch
from torch import nn

RANK, N_IN, N_OUT = 4, 12, 8
ALPHAS = [2, 8, 32]
# The factor of each power when alpha is multiplied by 4.
POWERS = {"-1": 0.25, "-1/2": 0.5, "0": 1.0, "1/2": 2.0, "1": 4.0}

SCHEMES = {
    "default": True,
    "false": False,
    "gaussian": "gaussian",
    "embedding": True,
    "orthogonal": "orthogonal",
    "pissa": "pissa",
    "olora": "olora",
    "mica": "mica",
}


def start(scheme, alpha):
    """A, B and the frozen weight before the first step."""
    torch.manual_seed(0)
    embedding = scheme == "embedding"
    layer = nn.Embedding(N_IN, N_OUT) if embedding else nn.Linear(N_IN, N_OUT, bias=False)
    network = nn.ModuleDict({"layer": layer})
    config = peft.LoraConfig(r=RANK, lora_alpha=alpha, target_modules=["layer"], init_lora_weights=SCHEMES[scheme])
    layer = peft.get_peft_model(copy.deepcopy(network), config).base_model.model["layer"]
    assert layer.scaling["default"] == alpha / RANK
    if embedding:
        a, b = layer.lora_embedding_A["default"], layer.lora_embedding_B["default"]
    else:
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert a.shape == (RANK, N_IN) and b.shape == (N_OUT, RANK)
    return {"A0": a.detach(), "B0": b.detach(), "W0": layer.base_layer.weight.detach()}


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
        "init_lora_weights": SCHEMES[scheme],
        "zero": zero,
        "power_of_alpha": {name: power(values) for name, values in of.items() if name not in zero},
    }


def main():
    document = {
        "versions": {"torch": torch.__version__.split("+")[0], "peft": peft.__version__},
        "rank": RANK,
        "alphas": ALPHAS,
        "schemes": {scheme: record(scheme) for scheme in SCHEMES},
    }
    path = pathlib.Path(__file__).parent / "initialisation.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    for scheme, found in document["schemes"].items():
        print(scheme, "zero:", found["zero"], found["power_of_alpha"])


main()

"""Networks and points of a notebook as data, for the page in which they compute."""

from __future__ import annotations

import base64

import torch

#: What a notebook's last cell on the site may give: layers as a network, numbers as a tensor.
Numbers = torch.nn.Module | torch.Tensor | dict | tuple


def give(found: Numbers) -> None:
    """Show numbers as an output of a cell; the builder keeps it for the page ``live``."""
    from IPython.display import display

    display({"application/json": numbers(found)}, raw=True)


def numbers(found: Numbers) -> dict | list | str:
    """Return numbers as JSON has them: a network is the list of its linear layers."""
    if isinstance(found, dict):
        return {str(name): numbers(one) for name, one in found.items()}
    if isinstance(found, tuple):
        return [numbers(one) for one in found]
    if isinstance(found, torch.Tensor):
        return base64.b64encode(found.detach().numpy().astype("<f4").tobytes()).decode()
    layers = [layer for layer in found.modules() if hasattr(layer, "in_features")]
    return [{name: numbers(getattr(one, name)) for name in ("weight", "bias")} for one in layers]

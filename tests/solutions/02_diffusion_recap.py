"""Worked solutions of notebook 02, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

from functools import partial

import numpy as np


def q_sample(x0, t, noise, left, root=np.sqrt, shrink=True, scale=True, off=0):
    of_data = root(left[t + off]) if shrink else 1
    return of_data * x0 + (root(1 - left[t + off]) if scale else 1) * noise


def reverse_step(
    x_t, t, predicted, noise, betas, sign=-1, grow=lambda beta, left: np.sqrt(1 - beta),
    root=np.sqrt, always=False, never=False, product=lambda b, t: np.cumprod(1 - b)[t],
    share=lambda beta, left: beta / np.sqrt(1 - left),
):  # fmt: skip
    left = product(betas, t)
    mean = x_t + sign * share(betas[t], left) * predicted
    mean = mean / grow(betas[t], left)
    return mean if never or (t == 0 and not always) else mean + root(betas[t]) * noise


def at_once(x_t, t, predicted, noise, betas):
    left = np.cumprod(1 - betas)[t]
    return (x_t - np.sqrt(1 - left) * predicted) / np.sqrt(left)


def small_variance(x_t, t, predicted, noise, betas):
    left = np.cumprod(1 - betas)
    smaller = np.sqrt((1 - left[t - 1]) / (1 - left[t])) if t else 0
    return reverse_step(x_t, t, predicted, smaller * noise, betas)


SOLUTIONS = {"diffusion.q_sample": q_sample, "diffusion.reverse_step": reverse_step}

WRONG = {
    "diffusion.q_sample": {
        "take the roots": partial(q_sample, root=lambda v: v),
        "noise is not scaled": partial(q_sample, scale=False),
        "must shrink": partial(q_sample, shrink=False),
        "exchanged": lambda x, t, z, a: q_sample(z, t, x, a),
        "one minus the root": lambda x, t, z, a: np.sqrt(a[t]) * x + (1 - np.sqrt(a[t])) * z,
        "noise is missing": lambda x, t, z, a: np.sqrt(a[t]) * x,
        "needs a root": lambda x, t, z, a: np.sqrt(a[t]) * x + (1 - a[t]) * z,
        "not taken away": lambda x, t, z, a: q_sample(x, t, -z, a),
        "product already": lambda x, t, z, a: q_sample(x, t, z, np.cumprod(a)),
        "one step further": partial(q_sample, off=1),
        "one step too few": partial(q_sample, off=-1),
    },
    "diffusion.reverse_step": {
        "no noise is added at t = 0": partial(reverse_step, always=True),
        "add the fresh noise": partial(reverse_step, never=True),
        "too small": partial(reverse_step, root=lambda v: v),
        "don't add it": partial(reverse_step, sign=1),
        "not scaled": partial(reverse_step, root=lambda v: 1),
        "small variance": small_variance,
        "grow again": partial(reverse_step, grow=lambda beta, left: 1),
        "not by 1 - beta": partial(reverse_step, grow=lambda beta, left: 1 - beta),
        "not of alpha bar": partial(reverse_step, grow=lambda beta, left: np.sqrt(left)),
        "all the guessed noise": partial(reverse_step, share=lambda beta, left: np.sqrt(1 - left)),
        "by the *root*": partial(reverse_step, share=lambda beta, left: beta / (1 - left)),
        "product up to t": partial(reverse_step, product=lambda b, t: 1 - b[t]),
        "not of the betas": partial(reverse_step, product=lambda b, t: np.cumprod(b)[t]),
        "includes beta": partial(reverse_step, product=lambda b, t: np.cumprod(1 - b)[t - 1]),
        "jumps to the clean data": at_once,
    },
}

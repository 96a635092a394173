"""Wrong answers of notebook 02 that come near, and words of the diagnosis that each must get."""

import math
from functools import partial

import numpy as np


def jump(x0, t, noise, left, root=np.sqrt, shrink=True, scale=True, off=0):
    of_data = root(left[t + off]) if shrink else 1
    return of_data * x0 + (root(1 - left[t + off]) if scale else 1) * noise


def back(
    x_t, t, predicted, noise, betas, sign=-1, grow=lambda beta, left: np.sqrt(1 - beta),
    root=np.sqrt, always=False, never=False, product=lambda b, t: np.cumprod(1 - b)[t],
    share=lambda beta, left: beta / np.sqrt(1 - left), first=0, plus=1,
):  # fmt: skip
    left = product(betas, t)
    mean = x_t + sign * share(betas[t], left) * predicted
    mean = mean / grow(betas[t], left)
    return mean if never or (t <= first and not always) else mean + plus * root(betas[t]) * noise


def at_once(x_t, t, predicted, noise, betas):
    left = np.cumprod(1 - betas)[t]
    return (x_t - np.sqrt(1 - left) * predicted) / np.sqrt(left)


def small_variance(x_t, t, predicted, noise, betas):
    left = np.cumprod(1 - betas)
    smaller = np.sqrt((1 - left[t - 1]) / (1 - left[t])) if t else 0
    return back(x_t, t, predicted, smaller * noise, betas)


def inside(x_t, t, predicted, noise, betas):
    left = math.prod(1 - beta for beta in betas[: t + 1])
    mean = x_t - betas[t] / math.sqrt(1 - left) * predicted
    return (mean + (t > 0) * math.sqrt(betas[t]) * noise) / math.sqrt(1 - betas[t])


def first_twice(x0, t, noise, left):
    return jump(x0, max(t - 1, 0), noise, left)


def last_twice(x0, t, noise, left):
    return jump(x0, min(t + 1, len(left) - 1), noise, left)


def untouched_at_the_end(x_t, t, predicted, noise, betas):
    return x_t if t == 0 else back(x_t, t, predicted, noise, betas)


WRONG = {
    "diffusion.q_sample": [
        ("take the roots", partial(jump, root=lambda v: v)),
        ("not the squares", partial(jump, root=lambda v: v**2)),
        ("noise is not scaled", partial(jump, scale=False)),
        ("must shrink", partial(jump, shrink=False)),
        ("nothing is scaled", lambda x, t, z, a: x + z),
        ("exchanged", lambda x, t, z, a: jump(z, t, x, a)),
        ("one minus the root", lambda x, t, z, a: a[t] ** 0.5 * x + (1 - a[t] ** 0.5) * z),
        ("noise is missing", lambda x, t, z, a: np.sqrt(a[t]) * x),
        ("data are missing", lambda x, t, z, a: np.sqrt(1 - a[t]) * z),
        ("the noise needs a root", lambda x, t, z, a: math.sqrt(a[t]) * x + (1 - a[t]) * z),
        ("the data need a root", lambda x, t, z, a: a[t] * x + math.sqrt(1 - a[t]) * z),
        ("not taken away", lambda x, t, z, a: jump(x, t, -z, a)),
        ("product already", lambda x, t, z, a: jump(x, t, z, np.cumprod(a))),
        ("product already", lambda x, t, z, a: jump(x, 0, z, [math.prod(a[:t])])),
        ("one step further", partial(jump, off=1)),
        ("one step too few", partial(jump, off=-1)),
        ("not the last one", lambda x, t, z, a: jump(x, -1, z, a)),
        ("NaN", lambda x, t, z, a: np.sqrt(a[t] * x) + np.sqrt(1 - a[t]) * z),
        ("it gives", lambda x, t, z, a: np.sqrt(a[t]) * x + np.sqrt(1 - a[t] ** 2) * z),
        ("one step too few", first_twice),
        ("one step further", last_twice),
    ],
    "diffusion.reverse_step": [
        ("no noise is added at t = 0", partial(back, always=True)),
        ("add the fresh noise", partial(back, never=True)),
        ("missing at t = 1", partial(back, first=1)),
        ("too small", partial(back, root=lambda v: v)),
        ("don't add it", partial(back, sign=1)),
        ("guessed noise is missing", partial(back, sign=0)),
        ("not scaled", partial(back, root=lambda v: 1)),
        ("take the root of beta", partial(back, root=lambda v: np.sqrt(1 - v))),
        ("added, not taken away", partial(back, plus=-1)),
        ("small variance", small_variance),
        ("grow again", partial(back, grow=lambda beta, left: 1)),
        ("not by 1 - beta", partial(back, grow=lambda beta, left: 1 - beta)),
        ("not x_t alone", lambda x, t, guess, z, b: x / np.sqrt(1 - b[t]) - b[t] / np.sqrt(
            1 - np.prod(1 - b[: t + 1])) * guess + (t > 0) * np.sqrt(b[t]) * z),
        ("you multiply", partial(back, grow=lambda beta, left: 1 / np.sqrt(1 - beta))),
        ("not of beta", partial(back, grow=lambda beta, left: np.sqrt(beta))),
        ("not of alpha bar", partial(back, grow=lambda beta, left: np.sqrt(left))),
        ("all the guessed noise", partial(back, share=lambda beta, left: np.sqrt(1 - left))),
        ("needs its factor", partial(back, share=lambda beta, left: 1)),
        ("by the *root*", partial(back, share=lambda beta, left: beta / (1 - left))),
        ("not alpha bar", partial(back, share=lambda beta, left: beta / np.sqrt(left))),
        ("product up to t", partial(back, product=lambda b, t: 1 - b[t])),
        ("not of the betas", partial(back, product=lambda b, t: np.cumprod(b)[t])),
        ("not one minus their sum", partial(back, product=lambda b, t: 1 - sum(b[: t + 1]))),
        ("includes beta", partial(back, product=lambda b, t: np.cumprod(1 - b)[t - 1])),
        ("includes beta", partial(back, product=lambda b, t: np.prod(1 - b[:t]))),
        ("ends with beta of t", partial(back, product=lambda b, t: np.cumprod(1 - b)[t + 1])),
        ("jumps to the clean data", at_once),
        ("outside the bracket", inside),
        ("exchanged", lambda x, t, guess, z, b: back(x, t, z, guess, b)),
        ("step forward", lambda x, t, guess, z, b: np.sqrt(1 - b[t]) * x + np.sqrt(b[t]) * z),
        ("every branch", lambda x, t, guess, z, b: back(x, t, guess, z, b) if t > 0 else None),
        ("only the fresh noise falls away", untouched_at_the_end),
        ("includes beta", partial(back, product=lambda b, t: np.prod(1 - b[: max(t, 1)]))),
    ],
}  # fmt: skip

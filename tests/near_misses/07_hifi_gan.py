"""Wrong answers of notebook 07 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F


def fold(x, period, mode="reflect", missing=lambda n, p: -n % p, front=False):
    width = missing(len(x), period)
    return np.pad(x, (width, 0) if front else (0, width), mode=mode).reshape(-1, period)


def cut_off(x, period):
    return x[: len(x) // period * period].reshape(-1, period)


def copied(x, period):
    rows = list(x)
    while len(rows) % period:
        rows.append(x[len(rows) - period])
    return np.reshape(rows, (-1, period))


def in_torch(x, period):
    x = F.pad(x, (0, -len(x) % period))
    return x.reshape(-1, period)


def beginning(x, period):
    missing = -len(x) % period
    return np.concatenate([x, x[1 : missing + 1][::-1]]).reshape(-1, period)


def squares(real, fake, to_real=1, to_fake=0, mean=np.mean):
    loss = 0
    for real_scores, fake_scores in zip(real, fake, strict=True):
        loss += mean((real_scores - to_real) ** 2) + mean((fake_scores - to_fake) ** 2)
    return loss


def forgets_to_add(real, fake):
    for a, b in zip(real, fake, strict=True):
        loss = torch.as_tensor(a).sub(1).square().mean() + torch.as_tensor(b).square().mean()
    return loss


def one_earlier(x, period):
    missing = -len(x) % period
    return np.append(x, x[len(x) - 2 - missing : len(x) - 2][::-1]).reshape(-1, period)


WRONG = {
    "hifi_gan.fold": [
        ("transposed", lambda x, p: fold(x, p).T),
        ("mixed up", lambda x, p: fold(x, p).reshape(p, -1)),
        ("time runs along a row first", lambda x, p: fold(x, p).reshape(p, -1).T),
        ("is cut off", cut_off),
        ("filled up with zeros", partial(fold, mode="constant")),
        ("filled up with zeros", in_torch),
        ("without repeating", partial(fold, mode="symmetric")),
        ("last sample is repeated", partial(fold, mode="edge")),
        ("begins again", partial(fold, mode="wrap")),
        ("not the beginning", beginning),
        ("belong to the end", partial(fold, front=True)),
        ("nothing is missing", partial(fold, missing=lambda n, p: p - n % p)),
        ("turned over", lambda x, p: np.pad(
            x, (0, -len(x) % p), "reflect", reflect_type="odd").reshape(-1, p)),
        ("run backwards", lambda x, p: np.append(
            x, x[len(x) - -len(x) % p :]).reshape(-1, p)),
        ("in one array", lambda x, p: fold(x, p).ravel()),
        ("at [", copied),
        ("reshape", lambda x, p: x.reshape(-1, p)),
        ("not the remainder itself", partial(fold, missing=lambda n, p: n % p)),
        ("not one earlier", one_earlier),
        ("run backwards", lambda x, p: np.append(
            x, x[len(x) - 1 - -len(x) % p : -1]).reshape(-1, p)),
    ],
    "hifi_gan.discriminator_loss": [
        ("exchanged", partial(squares, to_real=0, to_fake=1)),
        ("say -1", partial(squares, to_fake=-1)),
        ("compared with 1", partial(squares, to_fake=1)),
        ("compared with 0", partial(squares, to_real=0)),
        ("hinge", lambda r, f: sum(
            np.mean(np.maximum(0, 1 - a)) + np.mean(np.maximum(0, 1 + b))
            for a, b in zip(r, f, strict=True))),
        ("generator's", lambda r, f: sum(np.mean((b - 1) ** 2) for b in f)),
        ("made sound is missing", lambda r, f: sum(np.mean((a - 1) ** 2) for a in r)),
        ("real sound is missing", lambda r, f: sum(np.mean(b**2) for b in f)),
        ("not the sum", partial(squares, mean=np.sum)),
        ("square first", lambda r, f: sum(
            (a.mean() - 1) ** 2 + b.mean() ** 2 for a, b in zip(r, f, strict=True))),
        ("discriminators are summed", lambda r, f: squares(r, f) / len(r)),
        ("two parts are added, not", lambda r, f: squares(r, f) / 2),
        ("not absolute", lambda r, f: sum(
            np.mean(abs(a - 1)) + np.mean(abs(b)) for a, b in zip(r, f, strict=True))),
        ("no root", partial(squares, mean=lambda x: np.sqrt(np.mean(x)))),
        ("last discriminator alone", forgets_to_add),
        ("first discriminator alone", lambda r, f: squares(r[:1], f[:1])),
        ("with most of them", lambda r, f: squares(
            [np.concatenate(r)], [np.concatenate(f)])),
        ("squared", lambda r, f: sum(b.mean() - a.mean() for a, b in zip(r, f, strict=True))),
        ("it gives", lambda r, f: squares(r, f) ** 2),
        ("with most of them", lambda r, f: len(r) * squares(
            [np.concatenate(r)], [np.concatenate(f)])),
    ],
}  # fmt: skip

"""Wrong answers of notebook 10 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch


def offset(left, middle, right, factor=0.5, twice=2):
    return factor * (left - right) / (left - twice * middle + right)


def height(left, middle, right):
    return middle - 0.25 * (left - right) * offset(left, middle, right)


def gravity(left, middle, right):
    weights = np.exp([left, middle, right])
    return float(weights @ [-1, 0, 1] / weights.sum())


def turned(spectrum, gain, angle, j=1j):
    return spectrum * gain * np.exp(j * angle)


def polar_from_nothing(spectrum, gain, angle):
    spectrum, gain, angle = map(torch.as_tensor, (spectrum, gain, angle))
    return torch.polar(gain * spectrum.abs(), angle)


def steep(left, middle, right):
    return 0.5 * (right - left) / (middle - min(left, right))


def squares(missing, book):
    return ((missing[:, None, :] - book[None]) ** 2).sum(-1)


def quantised(frames, books, away=squares, left=lambda missing, entry: missing - entry):
    """Numbers and what is missing at the end, by a distance and a way to go on."""
    missing, numbers = frames, []
    for book in books:
        numbers.append(np.argmin(away(missing, book), axis=1))
        missing = left(missing, book[numbers[-1]])
    return np.stack(numbers, axis=1), missing


def numbers(frames, books, **how):
    return quantised(frames, books, **how)[0]


def without_torch_residual(frames, books):
    frames, books = torch.as_tensor(frames), [torch.as_tensor(book) for book in books]
    return torch.stack([torch.cdist(frames, book).argmin(1) for book in books], 1)


def away_once(frames, books):
    first = numbers(frames, books[:1])
    missing = frames - books[0][first[:, 0]]
    return np.concatenate([first, *[squares(missing, b).argmin(1)[:, None] for b in books[1:]]], 1)


def last_only(frames, books):
    missing, found = frames, []
    for book in books:
        found.append(squares(missing, book).argmin(1))
        missing = frames - book[found[-1]]
    return np.transpose(found)


def of_last_book(frames, books):
    for book in books:
        chosen = squares(frames, book).argmin(1)
        frames = frames - book[chosen]
    return chosen


def nearest_frame(frames, books):
    return np.stack([squares(frames, book).argmin(0) for book in books], 1)


def sum_of_entries(frames, books):
    return sum(b[n] for b, n in zip(books, numbers(frames, books).T, strict=True))


def cosine(missing, book):
    return -(missing @ (book / np.linalg.norm(book, axis=1, keepdims=True).clip(1e-12)).T)


WRONG = {
    "fourier_vocoder.peak_offset": [
        ("sign is turned", partial(offset, factor=-0.5)),
        ("twice too far", partial(offset, factor=1)),
        ("half of it", partial(offset, factor=0.25)),
        ("above the peak", lambda *levels: height(*levels) - levels[1]),
        ("divide it by the bend", lambda a, b, c: (c - a) / 2),
        ("not with //", lambda a, b, c: (a - c) // (2 * (a - 2 * b + c))),
        ("middle counts twice", partial(offset, twice=1)),
        ("height of the top", height),
        ("centre of gravity", gravity),
        ("divide it by the bend", lambda a, b, c: (a - c) / 2),
        ("bend alone", lambda a, b, c: a + c - 2 * b),
        ("logarithms already", lambda a, b, c: offset(np.exp(a), np.exp(b), np.exp(c))),
        ("centre of gravity", lambda a, b, c: (c - a) / (a + b + c)),
        ("without the side", lambda *levels: abs(offset(*levels))),
        ("to the left count", lambda *levels: max(0.0, offset(*levels))),
        ("two straight lines", steep),
    ],
    "fourier_vocoder.repair": [
        ("other way", partial(turned, j=-1j)),
        ("rotation is missing", lambda s, g, a: g * s),
        ("gain is missing", lambda s, g, a: turned(s, 1, a)),
        ("thrown away", lambda s, g, a: turned(np.abs(s), g, a)),
        ("thrown away", polar_from_nothing),
        ("its exponential is too much", lambda s, g, a: turned(s, np.exp(g), a)),
        ("grow instead of turning", partial(turned, j=1)),
        ("divided out", lambda s, g, a: turned(s / g, 1, a)),
        ("it is a factor", lambda s, g, a: turned(s + g, 1, a)),
        ("the rotation is added", lambda s, g, a: s * g + np.cos(a) + 1j * np.sin(a)),
        ("sine and cosine", lambda s, g, a: g * s * (np.sin(a) + 1j * np.cos(a))),
        ("real part alone", lambda s, g, a: turned(g * s.real + 1j * s.imag, 1, a)),
        ("radians already", lambda s, g, a: turned(s, g, np.deg2rad(a))),
        ("not in turns", lambda s, g, a: turned(s, g, a, 2j * np.pi)),
        ("added to the length", lambda s, g, a: turned(g + np.abs(s), 1, np.angle(s) + a)),
        ("exchanged", lambda s, g, a: turned(s, a, g)),
        ("only the real part", lambda s, g, a: turned(s, g, a).real),
        ("only the magnitude", lambda s, g, a: np.abs(s) * g),
        ("no decibels", lambda s, g, a: turned(s, 10 ** (g / 20), a)),
        ("does not replace it", lambda s, g, a: g * np.exp(1j * (np.angle(s) + a))),
        ("not added to it", lambda s, g, a: s + turned(1, g, a)),
    ],
    "fourier_vocoder.residual_quantise": [
        ("the frames themselves", partial(numbers, left=lambda missing, entry: missing)),
        ("the frames themselves", without_torch_residual),
        ("take away every entry", away_once),
        ("only the last entry", last_only),
        ("take them away", partial(numbers, left=lambda missing, entry: missing + entry)),
        ("sign of what is missing", partial(numbers, left=lambda missing, entry: entry - missing)),
        ("no absolute value", partial(numbers, left=lambda m, entry: np.abs(m - entry))),
        ("gets the entry", partial(numbers, left=lambda missing, entry: entry)),
        ("furthest", lambda f, b: numbers(f, b, away=lambda m, book: -squares(m, book))),
        ("largest product", partial(numbers, away=lambda m, book: -(m @ book.T))),
        ("square them first", partial(numbers, away=lambda m, b: (m[:, None] - b).sum(2))),
        ("square them first", partial(numbers, away=lambda m, b: abs((m[:, None] - b).mean(2)))),
        ("does not decide", partial(numbers, away=lambda m, b: abs(m[:, None] - b).max(2))),
        ("sum of squares", partial(numbers, away=lambda m, b: abs(m[:, None] - b).mean(2))),
        ("by their direction", partial(numbers, away=cosine)),
        ("from the last to the first", lambda f, b: numbers(f, [*reversed(b)])),
        ("reverse order", lambda f, b: np.fliplr(numbers(f, b))),
        ("start at 0", lambda f, b: numbers(f, b) + 1),
        ("rows and columns", lambda f, b: np.transpose(numbers(f, b))),
        ("first codebook alone", lambda f, b: squares(f, b[0]).argmin(1)),
        ("first codebook alone", lambda f, b: squares(f, b[0]).argmin(1)[:, None]),
        ("last codebook alone", of_last_book),
        ("first codebook is used every time", lambda f, b: numbers(f, [b[0] for _ in b])),
        ("which are sent", sum_of_entries),
        ("which are sent", lambda f, b: quantised(f, b)[1]),
        ("one row", lambda f, b: numbers(f, b).flatten()),
        ("the shape is (7, 3)", nearest_frame),
    ],
}

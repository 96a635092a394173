"""Anchors are what ITU-R BS.1534 asks for."""

import numpy as np
import pytest

from lecture_utils.listening_test import anchors


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize(("name", "cut_off"), [("anchor35", 3500), ("anchor70", 7000)])
def test_anchors_are_flat_then_steep(sample_rate, name, cut_off):
    click = np.zeros(sample_rate, np.float32)
    click[sample_rate // 2] = 1
    found = anchors(click, sample_rate)[name]
    assert found.shape == click.shape and found.dtype == np.float32
    assert found.argmax() == sample_rate // 2  # not delayed
    hz = np.fft.rfftfreq(sample_rate, 1 / sample_rate)
    db = 20 * np.log10(np.abs(np.fft.rfft(found)) + 1e-9)
    assert np.abs(db[hz <= cut_off]).max() < 0.1
    assert db[hz >= cut_off + 500].max() < -25
    assert sample_rate / 2 <= cut_off + 1000 or db[hz >= cut_off + 1000].max() < -50


def test_anchors_need_room():
    noise = np.random.default_rng(0).normal(size=20_000).astype(np.float32) / 10
    assert [*anchors(noise, 11_025)] == ["anchor35"]
    with pytest.raises(ValueError, match="8000 Hz has no room"):
        anchors(noise, 8000)

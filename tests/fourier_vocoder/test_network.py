"""The two networks: where they start, what they see, how far they look."""

import numpy as np
import pytest
import torch

from lecture_utils.fourier_vocoder import MagnitudeNetwork, RepairNetwork
from lecture_utils.fourier_vocoder import spectrum as fourier


@pytest.fixture
def log_mel():
    torch.manual_seed(0)
    return torch.randn(2, 50, 80) - 3


def noise_spectrum(n_frames=50):
    torch.manual_seed(1)
    return fourier.stft(0.1 * torch.randn(1, 256 * n_frames))


def test_untrained_magnitude_is_the_smooth_start(log_mel):
    made = MagnitudeNetwork(16, 2)(log_mel)
    wanted = torch.log(fourier.smooth_magnitude(log_mel).clamp_min(1e-5))
    assert torch.allclose(made, wanted, atol=1e-5)


def test_untrained_repair_changes_little():
    spectrum = noise_spectrum()
    made = RepairNetwork(16, 2)(spectrum, torch.log(spectrum.abs()))
    assert (made - spectrum).norm() < 0.2 * spectrum.norm()


def test_repair_follows_a_common_rotation():
    """Nobody hears how far all bins of all frames are turned, so the network must not see it."""
    network, spectrum = RepairNetwork(16, 2).eval(), noise_spectrum()
    with torch.no_grad():
        network.trunk.last.weight.mul_(50)  # as if it were trained
        turned = spectrum * np.exp(0.7j)
        log = torch.log(spectrum.abs())
        assert torch.allclose(
            network(turned, log), network(spectrum, log) * np.exp(0.7j), atol=1e-3
        )
        assert (network(spectrum, log) - spectrum).norm() > 0.05 * spectrum.norm()


def test_a_steady_partial_in_the_middle_of_a_bin_turns_by_nothing():
    """Phase differences in time are measured against the bin's own frequency."""
    t = np.arange(256 * 20) / 16000
    x = torch.from_numpy(np.cos(2 * np.pi * 1000 * t))[None].float()  # bin 64
    spectrum = fourier.stft(x)
    seen = RepairNetwork(16, 1).features(spectrum, torch.log(spectrum.abs() + 1e-5))
    in_time = seen[0, 5:15, 2 * 513 + 64], seen[0, 5:15, 3 * 513 + 64]
    assert torch.allclose(in_time[0], torch.tensor(1.0), atol=1e-3)
    assert torch.allclose(in_time[1], torch.tensor(0.0), atol=1e-2)


@pytest.mark.parametrize("kind", ["magnitude", "repair"])
def test_context_frames_are_what_an_output_frame_sees(kind):
    """Neither more nor fewer frames on either side reach it: pieces are cut by this number."""
    torch.manual_seed(0)
    if kind == "magnitude":
        network, given = MagnitudeNetwork(8, 2), torch.randn(1, 60, 80, requires_grad=True)
        torch.nn.init.normal_(network.trunk.last.weight)
        network(given)[0, 30].sum().backward()
        seen = given.grad[0].abs().sum(-1).nonzero().flatten()
    else:
        network, given = RepairNetwork(8, 2), noise_spectrum(60).detach().requires_grad_()
        made = network(given, torch.log(given.abs()))
        made[0, 30].abs().sum().backward()
        seen = given.grad[0].abs().sum(-1).nonzero().flatten()
    reach = 30 - int(seen.min()), int(seen.max()) - 30
    assert max(reach) <= network.context_frames <= max(reach) + 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: MagnitudeNetwork(0, 2), "channels=0: give a whole number, 1 or more"),
        (lambda: RepairNetwork(8, 2.5), "n_blocks=2.5: give a whole number"),
        (lambda: RepairNetwork(8, 2, -1), "n_rounds=-1: give a whole number, 0 or more"),
    ],
)
def test_wrong_sizes_are_told(make, told):
    with pytest.raises((TypeError, ValueError), match=told):
        make()

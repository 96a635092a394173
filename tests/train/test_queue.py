"""Several recipes with one command, and what a GPU needs of a step."""

import sys
import tarfile

import pytest
import torch

from lecture_utils.train import __main__ as command
from lecture_utils.train import adversarial, queue
from lecture_utils.train.recipes import RECIPES
from lecture_utils.train.run import batch_of, device, set_rate


def test_queue_names_recipes_once():
    assert set(queue.QUEUE) <= set(RECIPES) and len(set(queue.QUEUE)) == len(queue.QUEUE)


def test_recipes_run_with_their_minutes_and_are_packed_without_states(monkeypatch, tmp_path):
    script = (
        "import pathlib, sys; name, runs = sys.argv[1], pathlib.Path(sys.argv[-1]); "
        "folder = runs / name; folder.mkdir(); print(sys.argv[1:-1]); "
        "[(folder / n).write_text(name) for n in ('state.safetensors', f'{name}.safetensors')]; "
        "sys.exit(name == 'b')"
    )
    popen = queue.subprocess.Popen

    def started(arguments, **options):
        assert arguments[1:3] == ["-m", "lecture_utils.train"]
        return popen([sys.executable, "-c", script, *arguments[3:]], **options)

    monkeypatch.setattr(queue.subprocess, "Popen", started)
    file = queue.train_queue(0.5, tmp_path / "runs", ("a", "b"))
    with tarfile.open(file) as tar:
        assert sorted(tar.getnames()) == [
            "a.log", "a/a.safetensors", "b.log", "b/b.safetensors"
        ]  # fmt: skip
    said = (tmp_path / "runs/a.log").read_text()
    assert "'a', '--resume', '--minutes', '0.5', '--runs'" in said


def test_an_error_of_one_recipe_is_told(monkeypatch, tmp_path, capsys):
    class Failed:
        def wait(self):
            return 1

    monkeypatch.setattr(queue.subprocess, "Popen", lambda *_, **__: Failed())
    queue.train_queue(1, tmp_path, ("a",))
    assert "a ended with an error; see" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--queue"], ["--queue", "melgan", "--minutes", "1"], []])
def test_half_an_order_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "give" in capsys.readouterr().err


def test_a_rate_is_set_as_number_and_as_tensor():
    weight = torch.nn.Parameter(torch.ones(1))
    for rate in (0.1, torch.tensor(0.1)):
        optimizer = torch.optim.AdamW([weight], rate)
        set_rate(optimizer, 0.03)
        assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.03)
    assert rate == torch.tensor(0.03)  # the tensor that a graph reads


def test_a_step_on_a_processor_is_done_as_it_is():
    seen = []
    graphed = adversarial.Graphed(lambda *x: seen.append(x) or {"loss": x[0].sum()})
    assert graphed(torch.ones(3), torch.zeros(1)) == {"loss": 3.0}
    assert len(seen) == 1 and graphed.graph is None


def test_every_recipe_says_how_much_a_gpu_takes_at_once(monkeypatch):
    for recipe in RECIPES.values():
        if device().type == "cpu":
            assert batch_of(recipe) == recipe.batch
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        assert batch_of(recipe) == recipe.batch_on_gpu >= recipe.batch
        monkeypatch.undo()

"""Notebooks are easy to follow: heard first, words before use, short sentences, a short path."""

import notebook_rules as rules
import pytest
import teaching_rules as teaching
from nbformat import v4

each_notebook = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_sound_comes_first(path):
    before, cell = teaching.first_sound(rules.read(path))
    assert before == 0 and 0 < cell <= 10


@each_notebook
def test_sentences_are_short(path):
    assert teaching.long_sentences(rules.read(path)) == []


@each_notebook
def test_words_are_explained_where_they_first_appear(path):
    notebook = rules.read(path)
    assert teaching.unexplained(notebook) == []
    assert teaching.dead_links(notebook) == []


@each_notebook
def test_only_plumbing_is_collapsed(path):
    assert teaching.wrongly_hidden(rules.read(path)) == []


@each_notebook
def test_the_short_path_runs_alone(path):
    assert teaching.short_path_problems(rules.read(path)) == []


@each_notebook
def test_notebooks_lead_to_their_neighbours(path):
    assert teaching.neighbours_linked(path, rules.read(path)) == []


def test_glossary_explains_each_word_once():
    names = teaching.terms()
    assert len(set(names.values())) == len(names) > 50
    text = teaching.GLOSSARY.read_text(encoding="utf-8")
    assert [s for s in teaching.sentences(text) if len(s.split()) > teaching.MAX_WORDS] == []


def made(*cells):
    return v4.new_notebook(cells=[v4.new_markdown_cell("# Title"), *cells])


def test_the_rules_bite():
    long = v4.new_markdown_cell("word " * 31)
    assert teaching.long_sentences(made(long))
    assert not teaching.long_sentences(made(v4.new_markdown_cell("word " * 15 + ". " + "so " * 16)))
    early = v4.new_markdown_cell("A GRU reads.")
    linked = v4.new_markdown_cell("A [GRU](glossary.md#gru) reads.")
    assert any("GRU" in p for p in teaching.unexplained(made(early, linked)))
    assert teaching.unexplained(made(linked, early)) == []
    assert teaching.dead_links(made(v4.new_markdown_cell("[x](glossary.md#nowhere)"))) == [
        "nowhere"
    ]
    collapsed = v4.new_code_cell(
        "assert x", metadata={"jupyter": {"source_hidden": True}, "tags": ["plumbing"]}
    )
    assert teaching.wrongly_hidden(made(collapsed))
    short = {"tags": ["short"]}
    path = [v4.new_code_cell(f"x{k} = {k}", metadata=short) for k in range(5)]
    assert teaching.short_path_problems(made(*path)) == []
    assert teaching.short_path_problems(made(*path, v4.new_code_cell("y + 1", metadata=short)))
    player = v4.new_code_cell("listen.play(x)")
    work = v4.new_code_cell("x = 1\ny = 2")
    assert teaching.first_sound(made(work, work, player)) == (2, 1)

"""[tool.lrfix]: found upwards, every mistake named, selection by the longest prefix."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from lrfix.config import Config, ConfigError, Selection, find_config, read_config, split_codes

CODES = ("LR001", "LR101", "LR105", "LR202", "LR203", "LR401")


def write(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return path


def selected(config: str, tmp_path: Path, override: Selection | None = None) -> set[str]:
    found = read_config(write(tmp_path, f"[tool.lrfix]\n{config}\n"))
    assert found is not None
    return set(found.settings(CODES, override).selected)


def test_without_configuration_every_rule_is_selected(tmp_path):
    assert find_config(tmp_path).settings(CODES).selected == frozenset(CODES)


def test_the_nearest_table_upwards_is_used(tmp_path):
    write(tmp_path, '[tool.lrfix]\nselect = ["LR1"]\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_config(inner).path == tmp_path / "pyproject.toml"
    write(tmp_path / "a", '[tool.lrfix]\nselect = ["LR2"]\n')
    assert find_config(inner).path == tmp_path / "a" / "pyproject.toml"


def test_a_project_file_without_the_table_does_not_hide_the_one_above(tmp_path):
    write(tmp_path, '[tool.lrfix]\nselect = ["LR1"]\n')
    inner = tmp_path / "package"
    inner.mkdir()
    write(inner, "[project]\nname = 'x'\n")
    assert find_config(inner).path == tmp_path / "pyproject.toml"


def test_all_keys_are_read(tmp_path):
    config = read_config(
        write(
            tmp_path,
            """
            [tool.lrfix]
            select = ["LR1", "LR2"]
            ignore = ["LR203"]
            extend-select = ["LR401"]
            exclude = ["third_party/"]
            torch = "2.7"
            jobs = 3
            max-file-size = 5000
            [tool.lrfix.per-file-ignores]
            "tests/*" = ["LR2"]
            """,
        )
    )
    assert config is not None
    settings = config.settings(CODES)
    assert settings.selected == {"LR101", "LR105", "LR202", "LR401"}
    assert (settings.exclude, settings.torch, settings.jobs, settings.max_file_size) == (
        ("third_party/",),
        "2.7",
        3,
        5000,
    )
    assert settings.selected_for(str(tmp_path / "tests" / "a.py")) == {"LR101", "LR105", "LR401"}
    assert settings.selected_for(str(tmp_path / "train.py")) == settings.selected
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('select = ["LR"]', set(CODES)),
        ('select = ["LR2"]', {"LR202", "LR203"}),
        ('select = ["LR202"]\nignore = ["LR2"]', {"LR202"}),
        ('select = ["LR2"]\nignore = ["LR202"]', {"LR203"}),
        ('select = ["LR202"]\nignore = ["LR202"]', set()),
        ('ignore = ["LR"]', set()),
        ('ignore = ["LR001", "LR4"]', {"LR101", "LR105", "LR202", "LR203"}),
        ('select = ["LR1"]\nextend-select = ["LR202"]\nignore = ["LR2"]', {"LR101", "LR105", "LR202"}),
        ("select = []", set()),
    ],
)
def test_the_longest_prefix_decides(config, expected, tmp_path):
    assert selected(config, tmp_path) == expected


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (Selection(), {"LR101", "LR105"}),
        (Selection(select=("LR202",)), {"LR202"}),
        (Selection(ignore=("LR105",)), {"LR101"}),
        (Selection(extend_select=("LR401",)), {"LR101", "LR105", "LR401"}),
        (Selection(select=("LR",), ignore=("LR1", "LR0")), {"LR202", "LR203", "LR401"}),
    ],
)
def test_the_command_line_is_laid_over_the_file(override, expected, tmp_path):
    assert selected('select = ["LR1"]', tmp_path, override) == expected


@pytest.mark.parametrize(
    ("config", "key", "legal"),
    [
        ('selct = ["LR1"]', "'selct'", "did you mean select?"),
        ("max-line = 3", "'max-line'", "per-file-ignores"),
        ("baseline = 3", "baseline", "path of a file"),
        ('select = "LR1"', "select", "list of strings"),
        ("select = [1]", "select", "list of strings"),
        ('exclude = [""]', "exclude", "list of strings"),
        ('exclude = ["build", "!"]', "exclude: '!'", "pattern in the syntax of .gitignore"),
        ('per-file-ignores = {"[z-a]" = ["LR1"]}', "per-file-ignores: '[z-a]'", "pattern in the syntax of .gitignore"),
        ("torch = 2.7", "torch", '"2.7"'),
        ('torch = "latest"', "torch", '"2.7"'),
        ("jobs = 0", "jobs", "whole number from 1"),
        ("jobs = true", "jobs", "whole number from 1"),
        ('max-file-size = "1 MB"', "max-file-size", "whole number from 1"),
        ('per-file-ignores = ["LR1"]', "per-file-ignores", "table"),
        ('per-file-ignores = {"a.py" = "LR1"}', "per-file-ignores for 'a.py'", "list of strings"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_legal(config, key, legal, tmp_path):
    path = write(tmp_path, f"[tool.lrfix]\n{config}\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    message = str(caught.value)
    assert str(path) in message and key in message and legal in message


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ('select = ["LR9"]', "select"),
        ('ignore = ["E501"]', "ignore"),
        ('extend-select = ["LR2020"]', "extend-select"),
        ('[tool.lrfix.per-file-ignores]\n"a.py" = ["LR777"]', "per-file-ignores for 'a.py'"),
    ],
)
def test_an_unknown_code_is_named_with_the_legal_ones(config, key, tmp_path):
    path = write(tmp_path, f"[tool.lrfix]\n{config}\n")
    found = read_config(path)
    assert found is not None
    with pytest.raises(ConfigError) as caught:
        found.settings(CODES)
    message = str(caught.value)
    assert str(path) in message and key in message
    assert "did you mean LR" in message or "LR1, LR2, LR4, and `lrfix rule` lists the rules" in message


def test_a_name_is_as_good_as_a_code(tmp_path):
    names = {"boundary-jump": "LR202", "first-step": "LR203"}
    config = read_config(write(tmp_path, '[tool.lrfix]\nselect = ["LR1", "boundary-jump"]\nignore = ["LR2"]\n'))
    assert config is not None
    assert config.settings(CODES, None, names).selected == {"LR101", "LR105", "LR202"}
    with pytest.raises(ConfigError, match="did you mean boundary-jump"):
        config.settings(CODES, Selection(ignore=("boundary-jmp",)), names)


def test_an_unknown_code_on_the_command_line_names_the_option():
    with pytest.raises(ConfigError, match="--ignore: no rule has the code, prefix or name 'E501'"):
        Config().settings(CODES, Selection(ignore=("E501",)))


@pytest.mark.parametrize(
    "text",
    [
        "[tool.lrfix",
        "[tool]\nlrfix = 3\n",
        "a = " + "[" * 50_000,
        "a = " + "9" * 5_000,
        "a = 2026-02-30",
        "# " + "x" * 1_000_000,
    ],
    ids=["unclosed", "no table", "nested without end", "a long number", "no date", "large"],
)
def test_a_broken_file_is_named(text, tmp_path):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        read_config(path)


def test_a_file_without_the_table_configures_nothing(tmp_path):
    assert read_config(write(tmp_path, "[tool.black]\nline-length = 100\n")) is None


def test_codes_may_be_repeated_or_separated_by_commas():
    assert split_codes(("LR1, LR202", "LR3,")) == ("LR1", "LR202", "LR3")

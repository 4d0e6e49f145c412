"""Shared options, records of options, and how values are read."""

from contextlib import closing
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from judgebench.cli import options
from judgebench.cli.run import AdaptiveOptions
from judgebench.errors import InputError
from judgebench.leaderboard import METHODS
from judgebench.spec import Study
from judgebench.store.database import Database


@dataclass(frozen=True)
class Size:
    """Size"""

    width: Annotated[int, typer.Option("--width", help="In cm.")] = 1
    colours: Annotated[list[str] | None, typer.Option("--colour", help="Any.")] = None


def flattened(seen: list[Any]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @options.flat
    def paint(size: Size, name: Annotated[str, typer.Argument()] = "wall") -> None:
        """Paint."""
        seen.append((size, name))

    return app


def test_a_record_is_filled_from_an_option_for_each_field() -> None:
    seen: list[Any] = []
    runner = CliRunner()
    assert runner.invoke(flattened(seen), []).exit_code == 0
    assert (
        runner.invoke(flattened(seen), ["door", "--width", "3", "--colour", "red", "--colour", "blue"]).exit_code == 0
    )
    assert seen == [(Size(), "wall"), (Size(3, ["red", "blue"]), "door")]
    assert runner.invoke(flattened(seen), ["--width", "x"]).exit_code == 2


def test_a_record_is_a_panel_of_the_help() -> None:
    shown = CliRunner().invoke(flattened([]), ["--help"]).output
    assert "─ Size ─" in shown
    assert shown.index("─ Size ─") < shown.index("--width")


def test_a_varied_option_leaves_the_declared_one_alone() -> None:
    declared = typer.Option("--a", min=1, help="One.")
    varied = options.varied(declared, "Another.", default="none")
    assert (declared.help, varied.help, varied.min) == ("One.", "Another.", 1)
    assert (declared.show_default, varied.show_default) == (True, "none")


def test_defaults_that_are_shown_are_those_of_a_study() -> None:
    records = (options.DesignOptions, options.PaceOptions, AdaptiveOptions)
    for record in records:
        for parameter in signature(options.flat(command_of(record))).parameters.values():
            shown = get_args(parameter.annotation)[1].show_default
            if isinstance(shown, str) and shown != "all":
                assert shown == str(Study.model_fields[parameter.name].default), parameter.name


def command_of(record: type) -> Any:
    def command(options: Any) -> None:
        pass

    command.__annotations__["options"] = record
    return command


def test_methods_are_those_of_the_table() -> None:
    assert get_args(get_args(options.RankingMethod)[0]) == tuple(METHODS)
    assert set(get_args(get_args(options.QualityMethod)[0])) < set(METHODS)


def test_a_judge_under_the_names_of_a_study() -> None:
    judge = options.JudgeOptions(
        judge="gpt", judge_url="http://h/v1", judge_key_env="KEY", judge_name="mine", price="1,2"
    )
    assert judge.fields() == {"model": "gpt", "url": "http://h/v1", "key_env": "KEY", "name": "mine", "price": "1,2"}


def test_names_and_pairs_are_read_from_commas(tmp_path: Path) -> None:
    judge = options.JudgeOptions(judge="scripted:coin")
    with closing(Database(str(tmp_path / "a.db"), create=True)) as database:
        listed = options.DesignOptions(benchmark="x", models=["a, b", "c"], all_pairs=True)
        assert options.study_of(database, None, listed, judge, None).models == ("a", "b", "c")
        paired = options.DesignOptions(benchmark="x", pairs=["a,b", " c , d "])
        assert options.study_of(database, None, paired, judge, None, more={"limit": 3}).limit == 3
        assert options.study_of(database, None, paired, judge, None).pairs == (("a", "b"), ("c", "d"))
        for wrong in ("a", "a,", "a,b,c"):
            with pytest.raises(InputError, match="write two models, A,B"):
                options.study_of(database, None, options.DesignOptions(pairs=[wrong]), judge, None)


def test_settings_are_json_where_they_can_be_read_so() -> None:
    assert options.settings_of(["a=1", "b=x=y", 'c={"d": null}']) == {"a": 1, "b": "x=y", "c": {"d": None}}
    assert options.settings_of(None) == {}
    with pytest.raises(InputError, match="FIELD=VALUE"):
        options.settings_of(["a"])


def test_columns_are_fields_of_ours() -> None:
    assert options.columns_of(["instruction= question"]) == {"instruction": "question"}
    for wrong in ("a", "=b", "a="):
        with pytest.raises(InputError, match="FIELD=COLUMN"):
            options.columns_of([wrong])


def test_a_price_table_prices_what_has_no_price(tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("gpt: 2.5,10\n")
    assert options.priced({"model": "gpt"}, table) == {"price": "2.5,10"}
    assert options.priced({"model": "gpt", "price": "1,1"}, table) == {}
    assert options.priced({"model": "other"}, table) == {}

"""judgebench consensus."""

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage
from judgebench.show.numbers import amount, percent, ranks
from judgebench.show.text import count


@options.flat
def consensus(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    resamples: options.Resamples = 1000,
    seed: options.Seed = 0,
    output: options.Output = "table",
) -> None:
    """Who is best without one scale: lottery, Borda and Kemeny; and the test of cycles.

    $ judgebench consensus --benchmark demo
    $ judgebench consensus --benchmark demo --resamples 200 --seed 1
    """
    from judgebench.show import coverage
    from judgebench.show.tables import document

    with opened(context) as database:
        answers = services.leaderboards.other_answers(
            database, benchmark, scope=counted.scope(), resamples=resamples, seed=seed
        )
    if output == "json":
        told = coverage.told(answers.coverage)
        print_json({"benchmark": benchmark, **document(answers), **told})
        return
    say_coverage(answers.coverage)
    order = sorted(range(len(answers.models)), key=lambda i: -answers.borda[i])
    models = [(i, answers.models[i]) for i in order]
    print_table(
        ("model", "Borda", "Kemeny", "lottery"),
        [
            (model, amount(answers.borda[i], "number"), ranks(*answers.kemeny_ranks[i]), percent(answers.lottery[i]))
            for i, model in models
        ],
        text=("model",),
    )
    say(f"Borda and Kemeny over {count(len(answers.categories), 'category')}; no intervals: they are no estimates")
    doubt = "" if answers.condorcet_certain or answers.condorcet_winner is None else ", but not for certain"
    say(f"preferred to each other model by a majority: {answers.condorcet_winner or 'none'}{doubt}")
    if answers.unmet:
        say(f"{count(answers.unmet, 'pair')} of models never met, which the lottery takes for even")
    if answers.cycles is None:
        say("cycles: not identified, as no three models met each other, or no pair has a preference")
    else:
        say(
            f"cyclic share of the log-odds: {percent(answers.cycles.cyclic_share)}; noise alone makes "
            f"{percent(answers.cycles.expected_share)} (p = {amount(answers.cycles.p_value, 'number')} for no cycles)"
        )

"""What figures show, read from what was drawn."""

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from test_store_tables import FRAMES

from proxybank import figures
from proxybank.figures import style

AT = {"space": "tss", "dataset": "digits"}
RNG = np.random.default_rng(0)
N = 500
ACCURACY = np.clip(RNG.normal(90, 4, N), 10, 98)
SCORE = ACCURACY + RNG.normal(0, 4, N)


@pytest.fixture(autouse=True)
def house_style():
    with figures.house_style():
        yield


@pytest.fixture
def ax():
    return Figure().add_subplot()


def texts(ax):
    return [text.get_text() for text in ax.texts]


# --- score against accuracy


def meshes(ax):
    """Numbers of networks in each mesh, 0 where masked."""
    return [mesh.get_array().filled(0) for mesh in ax.collections if isinstance(mesh, QuadMesh)]


def test_every_network_is_drawn(ax):
    assert figures.draw_score(ax, SCORE, ACCURACY, proxy="naswot", kendall=(0.5, 0.45, 0.55)) is ax
    (counts,) = meshes(ax)
    assert counts.sum() == N
    assert ax.get_title(loc="left") == "τ = 0.500 [0.450, 0.550]"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("naswot", "test accuracy (%)", "linear")
    assert texts(ax) == []


def test_a_network_is_where_its_score_and_accuracy_are(ax):
    figures.draw_score(ax, np.array([1.0, 2.0, 2.0]), np.array([70.0, 90.0, 90.0]), proxy="naswot")
    mesh = ax.collections[0]
    x, y = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
    row, column = np.argwhere(mesh.get_array().filled(0) == 2)[0]
    assert x[column] <= 2 <= x[column + 1]
    assert y[row] <= 90 <= y[row + 1]
    # Cells are equally high on the paper, so smaller in accuracy where accuracy is high.
    heights = np.diff(ax.transData.transform(np.column_stack([np.ones_like(y), y]))[:, 1])
    np.testing.assert_allclose(heights, heights[0], rtol=1e-6)
    assert np.diff(y)[-1] < 0.5 * np.diff(y)[0]


def test_networks_without_a_score_are_set_aside_and_counted(ax):
    score = np.where(np.arange(N) < 7, np.nan, SCORE)
    figures.draw_score(ax, score, ACCURACY, proxy="naswot")
    placed, aside = meshes(ax)
    assert (placed.sum(), aside.sum()) == (N - 7, 7)
    assert texts(ax) == ["left: 7 without a score"]


def test_wide_scores_get_a_logarithmic_axis_with_zeros_aside(ax):
    score = np.where(np.arange(N) < 5, 0.0, 10.0**SCORE)
    score[5:8] = np.nan
    figures.draw_score(ax, score, ACCURACY, proxy="synflow", kendall=(-0.004, None, None))
    placed, aside = meshes(ax)
    assert ax.get_xscale() == "log"
    assert (placed.sum(), aside.sum()) == (N - 8, 8)
    assert texts(ax) == ["left: 5 at 0, 3 without a score"]
    assert ax.get_title(loc="left") == "τ = −0.004"


@pytest.mark.parametrize("score", [np.full(N, 2.0), np.full(N, np.nan)])
def test_scores_that_say_nothing(ax, score):
    figures.draw_score(ax, score, ACCURACY, proxy="skipped_layers")
    assert sum(counts.sum() for counts in meshes(ax)) == N
    assert ax.get_title(loc="left") == "τ not defined: all scores equal"


def test_one_colour_means_one_number_in_every_panel():
    place = {**AT, "arch_index": np.arange(N)}
    scores = pl.DataFrame({**place, "naswot": SCORE, "flops": 1e6 * np.round(SCORE)})
    truth = {"split": "test", "epochs": 200, "accuracy_pct": ACCURACY, "train_seconds": None, "source": "s"}
    correlations = pl.DataFrame(
        {**AT, "proxy": ["naswot"], "subset": "all", "kendall": 0.5, "low": 0.4, "high": 0.6, "n": N, "n_finite": N}
    )
    figure = figures.scores_figure(scores, pl.DataFrame({**place, **truth})[1:], correlations, ["naswot", "flops"])
    naswot, flops, bar = figure.axes
    assert naswot.collections[0].norm.vmax == flops.collections[0].norm.vmax
    assert bar.get_ylabel() == "networks per cell"
    assert figure.get_suptitle() == "tss, digits: score and accuracy of 499 networks trained for 200 epochs\n"
    assert "interval over classes of networks" in figure.texts[-1].get_text()
    assert meshes(naswot)[0].sum() == N - 1


def test_a_sample_says_how_many_networks_it_has():
    place = {**AT, "arch_index": np.arange(N)}
    score = np.where(np.arange(N) < 50, SCORE, np.nan)
    score[0] = np.nan  # in the sample, and without a score
    scores = pl.DataFrame({**place, "ntk": score, "naswot": SCORE})
    scores = scores.with_columns(zen=pl.lit(None, pl.Float64), te_nas_regions=pl.lit(None, pl.Float64))
    truth = {"split": "test", "epochs": 200, "accuracy_pct": ACCURACY, "train_seconds": None, "source": "s"}
    rows = {**AT, "subset": "all", "kendall": 0.5, "low": 0.4, "high": 0.6, "n": N, "n_finite": N}
    correlations = pl.DataFrame({**rows, "proxy": ["ntk", "naswot"]})
    networks = pl.DataFrame({**place, "sample_place": np.arange(N), "n_relu": np.arange(N) % 3, "relu_units": 1})
    samples = {"ntk": {"classes": 50, "seeds": [0]}, "zen": {"classes": 0, "seeds": [0]}}
    proxies = ["ntk", "naswot", "zen", "te_nas_regions"]  # one not asked for, and one that finds no score
    tables = scores, pl.DataFrame({**place, **truth}), correlations
    figure = figures.scores_figure(*tables, proxies, networks, samples, ["ntk"])
    ntk, naswot, _ = figure.axes
    assert sum(counts.sum() for counts in meshes(ntk)) == 50 and meshes(naswot)[0].sum() == N
    assert texts(ntk) == ["left: 1 without a score"]
    assert (ntk.get_xlabel(), naswot.get_xlabel()) == ("ntk \N{DOWNWARDS ARROW}, n = 50", "naswot")
    assert ntk.get_title(loc="left") == naswot.get_title(loc="left") == "τ = 0.500 [0.400, 0.600]"
    assert ntk.collections[0].norm.vmax == naswot.collections[0].norm.vmax
    assert ntk.get_ylim() == naswot.get_ylim()  # only the first panel of a row has labels
    ntk, naswot = figures.relus_figure(networks, scores, proxies, samples).axes
    assert (ntk.get_title(loc="left"), naswot.get_title(loc="left")) == ("n = 50, 1 without a score", "")


# --- the accuracy axis


def test_accuracy_axis_is_spaced_by_the_error(ax):
    style.accuracy_axis(ax, 10, 99)
    # Errors 10, 1 and 100 / 10: equal steps of a factor of ten.
    heights = ax.transData.transform([[0, 0], [0, 90], [0, 99]])[:, 1]
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0])
    assert ax.get_yticks().tolist() == [10, 50, 70, 82, 90, 95, 98, 99]


def test_accuracy_axis_of_a_narrow_range_still_has_ticks(ax):
    style.accuracy_axis(ax, 90.1, 91.3)
    assert ax.get_yticks().tolist() == pytest.approx([90.2, 90.5, 90.8, 91, 91.2])


def test_accuracy_axis_of_one_value(ax):
    style.accuracy_axis(ax, 100, 100)
    assert ax.get_ylim()[0] < 99.5


def test_accuracy_axis_of_values_above_its_end(ax):
    # Errors below 0.1 are drawn as 0.1.
    style.accuracy_axis(ax, 99.92, 100)
    low, high = ax.get_ylim()
    assert low < 99 < 99.9 < high
    assert ax.get_yticks().tolist() == [99, 99.3, 99.5, 99.7, 99.8, 99.9]


# --- searches

RUNS = pl.DataFrame(
    {
        **AT,
        "algorithm": ["rea"] * 6 + ["freerea"],
        "objective": ["naswot"] * 6 + ["naswot / max(naswot) + flops / max( flops )"],
        "budget": [200.0, 200.0, 200.0, 50.0, 50.0, 50.0, 100.0],
        "constraint_id": "small",
        "run": [0, 1, 2, 0, 1, 2, 0],
        "best_arch_index": 1,
        "accuracy_pct": [90.0, 92.0, None, 80.0, 84.0, 86.0, 93.0],
        "regret_pct": 1.0,
        "n_evaluated": 1,
        "simulated_seconds": [10.0, 12.0, 11.0, 1.0, 2.0, 3.0, 20.0],
        "budget_unit": ["evaluations"] * 6 + ["seconds"],
        "seed": pl.Series([None] * 7, dtype=pl.Int64),
    }
)


def test_search_time_shows_means_by_budget(ax):
    figures.draw_search_time(ax, RUNS, optimum_pct=94.5)
    rea, freerea = ax.containers
    # Runs that found nothing are left out of both coordinates.
    np.testing.assert_allclose(rea[0].get_xydata(), [[2, 250 / 3], [11, 91]])
    np.testing.assert_allclose(freerea[0].get_xydata(), [[20, 93]])
    assert [bars.get_label() for bars in ax.containers] == ["rea: naswot", "freerea: naswot + flops"]
    # A search with one budget needs no names for its markers.
    assert texts(ax) == ["50", "200", "optimum 94.50"]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "simulated search time (s)")
    assert ax.get_ylim()[0] < 80 < 94.5 < ax.get_ylim()[1]


def test_search_time_shows_intervals_and_percentiles(ax):
    figures.draw_search_time(ax, RUNS)
    percentiles, interval = [lines for lines in ax.collections if isinstance(lines, LineCollection)][:2]
    # Budget 50: 80, 84, 86 -> 5% and 95% at 80.4 and 85.8; standard error of the mean sqrt(28 / 3) / sqrt(3).
    np.testing.assert_allclose(percentiles.get_segments()[0][:, 1], [80.4, 85.8])
    half = 4.302653 * np.sqrt(28 / 3 / 3)  # Student's of three
    np.testing.assert_allclose(interval.get_segments()[0][:, 1], [250 / 3 - half, 250 / 3 + half])


def test_search_time_counts_seeds_where_runs_see_one_each(ax):
    # Seeds 0 and 1 find 80 and 85, the mean of 84 and 86: Student's t of two is 12.706.
    figures.draw_search_time(ax, RUNS.filter(budget=50).with_columns(seed=pl.Series([0, 1, 1])))
    _, interval = [lines for lines in ax.collections if isinstance(lines, LineCollection)][:2]
    assert interval.get_segments()[0][1, 1] - 250 / 3 == pytest.approx(12.706 * 2.5, rel=1e-4)


def test_search_keeps_its_colour_in_every_panel():
    runs = pl.concat([RUNS, RUNS.filter(algorithm="freerea").with_columns(constraint_id=pl.lit("tiny"))])
    regrets = pl.DataFrame(
        {**AT, "constraint_id": ["small", "tiny"], "optimum_pct": [94.0, 93.5], "n_feasible": [1500, 2]}
    )
    figure = figures.search_time_figure(runs, regrets)
    small, tiny = figure.axes
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["small: 1,500 networks", "tiny: 2 networks"]
    assert small.containers[1][0].get_color() == tiny.containers[1][0].get_color()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["rea: naswot", "freerea: naswot + flops, 100 s"]
    assert "Mean of 1 to 3 runs" in figure.texts[-1].get_text()
    # A run without a network is in no mean.
    two = figures.search_time_figure(runs.filter(budget=200), regrets[:1])
    assert "Mean of 2 runs" in two.texts[-1].get_text()


def test_searches_at_one_time_are_named_once_and_told_apart(ax):
    runs = pl.concat([RUNS.filter(algorithm="freerea").with_columns(algorithm=pl.lit(f"search {k}")) for k in range(9)])
    figures.draw_search_time(ax, runs)
    assert texts(ax) == []
    looks = {(bars[0].get_color(), bars[0].get_marker()) for bars in ax.containers}
    assert len(looks) == 9


def test_two_searches_with_many_budgets_have_their_numbers_on_two_sides(ax):
    rea = RUNS.filter(algorithm="rea")
    figures.draw_search_time(ax, pl.concat([rea, rea.with_columns(algorithm=pl.lit("other"))]))
    assert [(text.get_text(), text.get_ha()) for text in ax.texts] == [
        *(("50", "left"), ("200", "left")),
        *(("50", "right"), ("200", "right")),
    ]


def test_a_crowd_of_searches_is_drawn_without_the_spread_of_their_runs():
    crowd = [pl.concat([table.with_columns(algorithm=pl.lit(f"search {k}")) for k in range(13)]) for table in SPREAD]
    for tables, width in ((SPREAD, 1), (crowd, 13)):
        times, steps = Figure().subplots(1, 2)
        figures.draw_search_time(times, tables[0])
        figures.draw_trajectories(steps, tables[1], along="n_evaluated")
        is_crowd = width == 13
        thin = [lines for lines in times.collections if isinstance(lines, LineCollection)]
        assert len(thin) == width * (2 - is_crowd) and (texts(times) == []) == is_crowd
        assert len(steps.lines) == width and len(steps.collections) == width * (not is_crowd)
        assert (steps.get_ylim()[1] < 90.5) == is_crowd  # the axes hold what is drawn: bands go up to 91


@pytest.mark.parametrize("unknown", ["accuracy_pct", "simulated_seconds"])
def test_searches_of_which_nothing_can_be_drawn(ax, unknown, tmp_path):
    runs = RUNS.with_columns(pl.lit(None, pl.Float64).alias(unknown))
    figures.draw_search_time(ax, runs, optimum_pct=94.5, searches=[("rea", "naswot")])
    assert ax.containers[0][0].get_xydata().size == 0
    figures.save(ax.figure, tmp_path / "empty.png")  # a logarithmic axis of no seconds fails only here


def test_labels_that_would_look_alike_stay_whole():
    choices = [("freerea", "2 * log(flops) / max(log(flops)) + naswot / max( naswot )")]
    assert style.choice_labels(choices) == ["freerea: 2 * log(flops) + naswot"]
    choices = [("rea", "naswot"), ("rea", "naswot / max(naswot)"), ("oracle", "")]
    assert style.choice_labels(choices) == ["rea: naswot", "rea: naswot / max(naswot)", "oracle"]


# --- regrets

REGRETS = pl.DataFrame(
    {
        **AT,
        "constraint_id": ["small"] * 4 + ["none", "unlimited"],
        "algorithm": ["oracle", "random", "argmax", "rea", "random", "rea"],
        "objective": ["", "", "naswot", "naswot", "", "naswot"],
        "n_feasible": [4096] * 4 + [0, 15_625],
        "std_pct": [0.0, 9.0, 0.0, 3.0, None, 1.0],
        "regret_pct": [0.0, 4.0, 1.0, 0.5, None, 0.25],
        "runs": [None, None, None, 100, None, 1],
        "half_pct": [None, None, None, 0.588, None, None],
        "budget": [None, None, None, 1000.0, None, 1000.0],
        "budget_unit": [None, None, None, "evaluations", None, "evaluations"],
    }
)


def test_regrets_have_a_row_per_choice_and_a_column_per_constraint(ax):
    figures.draw_regrets(ax, REGRETS)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "rea: naswot, N = 1,000",
        "argmax: naswot",
        "random",
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["small\nn = 4,096", "unlimited\nn = 15,625"]
    drawn = np.ma.filled(ax.collections[0].get_array(), np.nan) ** 2
    np.testing.assert_allclose(drawn, [[0.5, 0.25], [1, np.nan], [4, np.nan]])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the best on top


def test_regrets_have_intervals_only_over_runs(ax):
    figures.draw_regrets(ax, REGRETS)
    found = {text.get_position(): (text.get_text(), text.get_fontweight()) for text in ax.texts}
    assert found == {
        (0.5, 0.5): ("0.50 ± 0.59", "bold"),
        (0.5, 1.5): ("1.00", "normal"),
        (0.5, 2.5): ("4.00", "normal"),
        (1.5, 0.5): ("0.25 ± ?", "bold"),  # of one run, so not exact
    }
    for rows, said in ((REGRETS, True), (REGRETS.filter(constraint_id="small"), False)):
        caption = figures.regrets_figure(rows, "tss, digits").texts[-1].get_text()
        assert ("?: of one run or seed" in caption) == said


def test_regrets_that_read_the_same_are_equally_good(ax):
    # 1.001 reads 1.00, too.
    close = REGRETS.filter(algorithm="argmax").with_columns(objective=pl.lit("flops"), regret_pct=pl.lit(1.001))
    figures.draw_regrets(ax, pl.concat([close, REGRETS.filter(pl.col("algorithm").is_in(["argmax", "random"]))]))
    assert [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"] == ["1.00", "1.00"]


def test_a_regret_in_a_sample_stands_below_and_is_not_the_least(ax):
    of_all = REGRETS.filter(algorithm="argmax")
    snip = of_all.with_columns(objective=pl.lit("snip"), n_feasible=pl.lit(500, pl.Int64), regret_pct=pl.lit(0.1))
    figures.draw_regrets(ax, pl.concat([snip, of_all, REGRETS.filter(algorithm="random")]))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["argmax: naswot", "random", "argmax: snip (in a sample)"]
    assert [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"] == ["1.00"]


def test_regrets_of_constraints_that_nothing_keeps(ax):
    figures.draw_regrets(ax, REGRETS.filter(constraint_id="none"))
    assert not ax.collections
    assert not ax.texts


def test_regrets_figure_grows_with_its_rows():
    figure = figures.regrets_figure(REGRETS, "tss, digits")
    assert figure.get_suptitle() == "tss, digits: regret within cost limits\n"
    more = pl.concat([REGRETS, REGRETS.with_columns(objective=pl.lit("x"))])
    assert figure.get_figheight() < figures.regrets_figure(more, "tss, digits").get_figheight()


def test_regrets_without_any_constraint_say_so():
    figure = figures.regrets_figure(REGRETS.clear(), "tss, digits")
    assert figure.get_suptitle() == "tss, digits: regret within cost limits\n"
    assert figure.texts[-1].get_text() == "No constraint could be applied; see the log of regrets"


def test_regrets_mark_where_the_best_score_is_the_lowest(ax):
    # The search maximises what it says; argmax takes the network with the best score.
    of_ntk = REGRETS.with_columns(objective=pl.col("objective").replace("naswot", "ntk"))
    figures.draw_regrets(ax, of_ntk, ["ntk"])
    labels = ["rea: ntk, N = 1,000", "argmax: ntk \N{DOWNWARDS ARROW}", "random"]
    assert labels_of_rows(ax) == labels
    drawn = figures.regrets_figure(of_ntk, "tss, digits", ["ntk"])
    assert labels_of_rows(drawn.axes[0]) == labels
    assert "argmax: best score of all" in drawn.texts[-1].get_text()


def test_regrets_name_budgets_in_their_unit(ax):
    figures.draw_regrets(ax, REGRETS.filter(algorithm="rea").with_columns(budget_unit=pl.lit("seconds")))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rea: naswot, 1,000 s"]


# --- the best so far

TRAJECTORIES = pl.DataFrame(
    {
        **AT,
        "constraint_id": "small",
        "algorithm": "rea",
        "objective": "naswot",
        "budget": [10.0, 10.0, 10.0, 5.0],
        "n_evaluated": [10, 1, 2, 5],
        "n_runs": 4,
        "n_found": [4, 1, 2, 4],
        "mean_pct": [90.0, 99.0, 80.0, 85.0],
        "q25_pct": [88.0, 99.0, 79.0, 85.0],
        "q75_pct": [91.0, 99.0, 83.0, 85.0],
    }
)


def test_trajectories_are_steps_with_the_middle_half(ax):
    figures.draw_trajectories(ax, TRAJECTORIES.filter(budget=10), along="n_evaluated", optimum_pct=94.5)
    # After one evaluation only one run of four has a network: nothing is drawn.
    line = ax.lines[0]
    assert line.get_xydata().tolist() == [[2, 80], [10, 90]]
    assert (line.get_drawstyle(), line.get_label()) == ("steps-post", "rea: naswot")
    heights = set(ax.collections[0].get_paths()[0].vertices[:, 1])
    assert heights == {79, 83, 88, 91}
    assert (ax.get_xscale(), ax.get_xlabel(), texts(ax)) == ("log", "networks evaluated", ["optimum 94.50"])


def test_trajectories_figure_shows_the_largest_budget_along_both_axes():
    by_time = TRAJECTORIES.with_columns(simulated_seconds=pl.col("n_evaluated") / 10)
    regrets = pl.DataFrame(
        {
            **AT,
            "constraint_id": ["small", "small"],
            "algorithm": ["oracle", "rea"],
            "objective": ["", "naswot"],
            "budget": [None, 10.0],
            "optimum_pct": 94.0,
            "runs": [None, 4],
        }
    )
    figure = figures.trajectories_figure(TRAJECTORIES, by_time, regrets)
    left, right = figure.axes
    assert left.lines[0].get_xdata().tolist() == [2, 10]
    assert right.lines[0].get_xdata().tolist() == [0.2, 1.0]
    assert (left.get_title(loc="left"), right.get_xlabel()) == ("small", "simulated search time (s)")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["rea: naswot"]
    assert "mean of 4 runs" in figure.texts[-1].get_text()


def test_no_two_of_49_trajectories_look_alike(ax):
    many = [TRAJECTORIES.filter(budget=10).with_columns(algorithm=pl.lit(f"search {k}")) for k in range(49)]
    figures.draw_trajectories(ax, pl.concat(many), along="n_evaluated")
    # The dashes of a line are drawn in its width, and have no public name.
    assert len({(line.get_color(), str(line._unscaled_dash_pattern)) for line in ax.lines}) == 49


def test_trajectories_of_searches_that_found_nothing(ax):
    figures.draw_trajectories(ax, TRAJECTORIES.with_columns(n_found=0), along="n_evaluated")
    assert not ax.lines


# A search of several budgets, and the best so far of one.
SPREAD = RUNS.filter(algorithm="rea"), TRAJECTORIES.filter(budget=10)


# --- spread in groups


def segments(collection):
    return [segment[:, 1].tolist() for segment in collection.get_segments()]


def test_scores_are_grouped_by_relus(ax):
    score = np.array([0.0, 1, 2, 3, 4, 7, np.nan])
    figures.draw_score_by_relus(ax, score, np.array([5.0] * 5 + [20, 20]), proxy="naswot")
    thin, thick = ax.collections
    # Quantiles of 0 to 4 lie on a line: 5% at 0.2. A group of one has no spread.
    assert segments(thin) == [pytest.approx([0.2, 3.8]), [7, 7]]
    assert segments(thick) == [[1, 3], [7, 7]]
    assert ax.lines[0].get_xydata().tolist() == [[5, 2], [20, 7]]
    assert (ax.get_title(loc="left"), ax.get_ylabel(), ax.get_yscale()) == ("1 without a score", "naswot", "linear")


def test_wide_scores_by_relus_get_a_logarithmic_axis_without_zeros(ax):
    figures.draw_score_by_relus(ax, np.array([0.0, 1.0, 1e4]), np.array([5.0, 5, 8]), proxy="synflow")
    assert ax.lines[0].get_xydata().tolist() == [[5, 1], [8, 1e4]]
    assert (ax.get_yscale(), ax.get_title(loc="left")) == ("log", "1 at 0")


def test_many_numbers_of_relus_are_put_together(ax):
    figures.draw_score_by_relus(ax, np.arange(240.0), np.arange(240.0), proxy="naswot")
    # Twelve groups of twenty: the first has mean and median 9.5.
    assert ax.lines[0].get_xydata()[:2].tolist() == [[9.5, 9.5], [29.5, 29.5]]
    assert len(ax.lines[0].get_xydata()) == 12


@pytest.mark.parametrize(("n_relu", "label", "place"), [([5, 20], "ReLUs", 5), ([7, 7], "scalars into ReLUs", 100)])
def test_relus_figure_counts_what_differs(n_relu, label, place):
    networks = pl.DataFrame({**AT, "arch_index": [0, 1], "n_relu": n_relu, "relu_units": [100, 200]})
    scores = pl.DataFrame({**AT, "arch_index": [0, 1], "naswot": [1.0, 2.0]})
    (ax,) = figures.relus_figure(networks, scores, ["naswot"]).axes
    assert ax.get_xlabel() == label
    assert ax.lines[0].get_xydata()[0].tolist() == [place, 1.0]


HISTORIES = pl.DataFrame(
    {
        **AT,
        "constraint_id": "small",
        "algorithm": ["plain"] * 100 + ["vote"] * 90,
        "objective": "log(synflow)",
        "budget": 100.0,
        "run": 0,
        "n_evaluated": [*range(1, 101), *range(1, 91)],
        "value": [*range(100), *([None] * 80), *range(10)],
    }
)


def test_children_are_the_last_eighty_networks(ax):
    figures.draw_children(ax, HISTORIES, {"plain": "mutation", "vote": "vote"})
    # Values 20 to 99 have the median 59.5; of the last 80 of the other search ten have a score: 0 to 9.
    assert ax.lines[0].get_xydata().tolist() == [[0, 59.5], [1, 4.5]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["mutation", "vote"]


def test_children_without_any_score_are_left_out(ax):
    histories = HISTORIES.with_columns(value=pl.when(pl.col("algorithm") == "plain").then("value"))
    figures.draw_children(ax, histories, {"plain": "mutation", "vote": "vote"})
    assert [label.get_text() for label in ax.get_xticklabels()] == ["mutation"]


def test_children_are_those_of_the_largest_budget(ax):
    longer = HISTORIES.filter(algorithm="plain").with_columns(budget=pl.lit(200.0), value=pl.lit(7, pl.Int64))
    figures.draw_children(ax, pl.concat([HISTORIES, longer]), {"plain": "mutation"})
    assert ax.lines[0].get_xydata().tolist() == [[0, 7]]


def test_children_figure_has_a_panel_per_objective():
    other = HISTORIES.filter(algorithm="vote").with_columns(objective=pl.lit("naswot"))
    labels = {"plain": "mutation", "vote": "vote"}
    figure = figures.children_figure(pl.concat([HISTORIES, other]), labels, "tss, digits")
    assert [ax.get_ylabel() for ax in figure.axes] == ["log(synflow)", "naswot"]
    assert figure.get_suptitle().startswith("tss, digits, small")
    assert "Last 80 of up to 100 networks of 1 runs" in figure.texts[-1].get_text()


def test_children_of_searches_that_could_not_run():
    figure = figures.children_figure(HISTORIES.clear(), {"plain": "mutation"}, "tss, digits")
    assert not figure.axes[0].lines
    assert "None of these searches could run" in figure.texts[-1].get_text()


# --- the best of random networks

SAMPLING = pl.DataFrame(
    {
        "proxy": ["naswot"] * 4 + ["ntk"] * 4,
        "n_networks": [1, 100] * 4,
        "n_seeds": [1, 1, 2, 2] * 2,
        "mean_pct": [50.0, 60, 55, 70, 40, None, 45, 65],
        "std_pct": 1.0,
        "n": 15_625,
    }
)


def test_sampling_figure_shows_networks_and_initialisations():
    figure = figures.sampling_figure(SAMPLING, 100, 15_625, "tss, digits")
    left, right = figure.axes
    assert [line.get_xydata().tolist() for line in left.lines] == [[[1, 55], [100, 70]], [[1, 45], [100, 65]]]
    assert [line.get_xydata().tolist() for line in right.lines] == [[[1, 60], [2, 70]], [[2, 65]]]
    assert (left.get_xscale(), left.get_title(loc="left")) == ("log", "by networks, 2 initialisations")
    assert right.get_title(loc="left") == "by initialisations, 100 networks"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["naswot", "ntk"]
    some = SAMPLING.with_columns(pl.when(proxy="ntk").then(1936).otherwise("n").alias("n"))
    labels = figures.sampling_figure(some, 100, 15_625, "tss, digits").legends[0].get_texts()
    assert [text.get_text() for text in labels] == ["naswot", "ntk (n = 1,936)"]
    # So it is where no proxy is of all networks.
    labels = figures.sampling_figure(SAMPLING, 100, 32_768, "sss, digits").legends[0].get_texts()
    assert [text.get_text() for text in labels] == ["naswot (n = 15,625)", "ntk (n = 15,625)"]
    # A sample with fewer seeds is drawn with all that it has.
    fewer = SAMPLING.filter((pl.col("proxy") == "ntk") | (pl.col("n_seeds") == 1))
    left, _ = figures.sampling_figure(fewer, 100, 15_625, "tss, digits").axes
    assert [line.get_xydata().tolist() for line in left.lines] == [[[1, 50], [100, 60]], [[1, 45], [100, 65]]]
    assert left.get_title(loc="left") == "by networks, 1 to 2 initialisations"


def test_sampling_figure_shows_the_best_of_many_proxies():
    many = [
        SAMPLING.filter(proxy="naswot").with_columns(pl.lit(f"p{k}").alias("proxy"), mean_pct=pl.col("mean_pct") + k)
        for k in range(15)
    ]
    figure = figures.sampling_figure(pl.concat(many), 100, 15_625, "tss, digits")
    assert [line.get_label() for line in figure.axes[0].lines] == [f"p{k}" for k in range(3, 15)]
    assert len(figure.axes[1].lines) == 12
    # All that are drawn are of a sample, and one that is not drawn is of all.
    some = pl.concat(many).with_columns(pl.when(proxy="p0").then("n").otherwise(1_936).alias("n"))
    figure = figures.sampling_figure(some, 100, 15_625, "tss, digits")
    assert [line.get_label() for line in figure.axes[0].lines] == [f"p{k} (n = 1,936)" for k in range(3, 15)]
    assert figure.get_suptitle().endswith("networks, 12 best of 15 proxies\n")


# --- correlations

CORRELATIONS = pl.DataFrame(
    {
        "space": ["tss", "tss", "tss", "sss", "sss", "sss", "tss"],
        "dataset": "digits",
        "proxy": ["naswot", "flops", "kappa"] * 2 + ["naswot"],
        "subset": ["all"] * 6 + ["finite"],
        "kendall": [0.5, 0.6, -0.3, 0.4, 0.7, None, 0.9],
        "low": [0.45, 0.58, -0.35, 0.35, None, None, 0.8],
        "high": [0.52, 0.63, -0.2, 0.45, None, None, 1.0],
        "n": [15_625] * 3 + [32_768] * 3 + [3],
    }
)


def marks(ax) -> dict[str, list[tuple[float, float]]]:
    """Places of the markers of each dataset of a figure of correlations."""
    return {
        line.get_label(): list(zip(*line.get_data(), strict=True)) for line in ax.lines if line.get_label()[0] != "_"
    }


def labels_of_rows(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_correlations_have_a_row_per_proxy_and_a_colour_per_dataset(ax):
    proxies = ["flops", "naswot", "kappa"]
    figures.draw_correlations(ax, CORRELATIONS.filter(subset="all", space="tss"), proxies, ["digits"])
    assert labels_of_rows(ax) == proxies
    assert marks(ax) == {"digits": [(0.6, 0), (0.5, 1), (-0.3, 2)]}
    assert texts(ax) == ["0.60", "0.50", "−0.30"]
    ax.clear()
    second = CORRELATIONS.with_columns(dataset=pl.lit("letters"), kendall=-pl.col("kendall"))
    both = pl.concat([CORRELATIONS, second]).filter(subset="all", space="sss")
    figures.draw_correlations(ax, both, proxies, ["digits", "letters"])
    above, below = marks(ax)["digits"], marks(ax)["letters"]
    assert ([x for x, _ in above], [x for x, _ in below]) == ([0.7, 0.4], [-0.7, -0.4])  # kappa has none
    assert [round(y) for _, y in above] == [round(y) for _, y in below] == [0, 1]
    assert all(one < other for (_, one), (_, other) in zip(above, below, strict=True))
    assert texts(ax) == []


def test_the_marker_of_a_sample_is_hollow(ax):
    n = pl.when(proxy="naswot").then(3_000).otherwise("n").alias("n")
    rows = CORRELATIONS.filter(subset="all", space="tss").with_columns(n)
    figures.draw_correlations(ax, rows, ["flops", "naswot", "kappa"], ["digits"])
    (inner,) = (line for line in ax.lines if line.get_color() == "white")
    assert list(zip(*inner.get_data(), strict=True)) == [(0.5, 1)]
    # So it is where the others, which are of all, have no tau.
    ax.clear()
    others = pl.when(proxy="naswot").then("kendall").alias("kendall")
    figures.draw_correlations(ax, rows.with_columns(others), ["flops", "naswot", "kappa"], ["digits"])
    (inner,) = (line for line in ax.lines if line.get_color() == "white")
    assert list(zip(*inner.get_data(), strict=True)) == [(0.5, 1)]
    for table, said in ((CORRELATIONS, False), (CORRELATIONS.with_columns(n), True)):
        assert ("hollow" in figures.correlations_figure(table).texts[-1].get_text()) == said


def test_a_proxy_of_no_network_is_left_out(ax):
    nowhere = pl.DataFrame({**AT, "proxy": ["snip"], "subset": "all", "kendall": None, "n": 0})
    first, _ = figures.correlations_figure(pl.concat([CORRELATIONS, nowhere], how="diagonal_relaxed")).axes
    assert labels_of_rows(first) == ["flops", "naswot", "kappa"]
    correlations, *others = best_networks()
    figures.draw_best_networks(ax, pl.concat([correlations, nowhere], how="diagonal_relaxed"), *others)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["naswot", "flops"]


def test_a_proxy_of_which_lower_is_better_stands_where_it_is_as_good(ax):
    names = pl.col("proxy").replace({"kappa": "ntk", "naswot": "rank_sum"})
    lower_is_better = ["ntk", "rank_sum"]
    (first,) = figures.correlations_figure(CORRELATIONS.filter(space="tss").with_columns(names), lower_is_better).axes
    # 0.6, 0.3 and -0.5 toward better.
    expected = ["flops", "ntk \N{DOWNWARDS ARROW}", "rank_sum \N{DOWNWARDS ARROW}"]
    assert labels_of_rows(first) == expected
    good = pl.when(proxy="naswot").then(-0.9).otherwise("kendall").alias("kendall")
    correlations, *others = best_networks()
    correlations = correlations.with_columns(good, proxy=pl.col("proxy").replace({"naswot": "ntk"}))
    figures.draw_best_networks(ax, correlations, *others, lower_is_better)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ntk \N{DOWNWARDS ARROW}", "flops"]


def test_means_are_compared_where_proxies_have_the_same_spaces_and_datasets():
    # In the mean synflow, on tss alone, has more than naswot, of which it has less on tss.
    proxies = ["zen", "kappa", "naswot", "flops"], ["ntk", "synflow", "naswot", "flops"]
    rows = {"proxy": [*proxies[0], *proxies[1]], "space": ["sss"] * 4 + ["tss"] * 4, "dataset": "digits"}
    rows |= {"subset": "all", "kendall": [0.9, None, 0.5, 0.4, 0.2, 0.7, 0.75, 0.6], "low": None, "high": None, "n": N}
    first, _ = figures.correlations_figure(pl.DataFrame(rows)).axes
    # Those with both, with tss, with sss, and the one without a tau.
    assert labels_of_rows(first) == ["naswot", "flops", "synflow", "ntk", "zen", "kappa"]


def test_an_interval_need_not_hold_the_value(ax):
    """Of a few networks that a proxy ranks rightly, tau-b is a last digit below 1, and its interval is not."""
    rows = {"kendall": 0.9999999999999999, "low": 1.0, "high": 1.0, "n": 5}
    figures.draw_correlations(
        ax, CORRELATIONS[:1].with_columns(**{k: pl.lit(v) for k, v in rows.items()}), ["naswot"], ["digits"]
    )
    assert texts(ax) == ["1.00"]


def test_figures_of_proxies_without_a_score_say_so():
    scores = pl.DataFrame({**AT, "arch_index": range(5), "snip": pl.Series([None] * 5, dtype=pl.Float64)})
    final = pl.DataFrame({**AT, "arch_index": range(5), "split": "test", "epochs": 2, "accuracy_pct": 50.0})
    networks = pl.DataFrame({**AT, "arch_index": range(5), "n_relu": 3, "relu_units": range(5)})
    for figure in (
        figures.scores_figure(scores, final, CORRELATIONS, ["snip"]),
        figures.relus_figure(networks, scores, ["snip"]),
        figures.sampling_figure(SAMPLING.with_columns(mean_pct=pl.lit(None, pl.Float64)), 100, 15_625, "tss, digits"),
    ):
        assert figure.texts[-1].get_text() == "No proxy has a score of one of them"


def test_correlations_show_their_intervals(ax):
    rows = CORRELATIONS.filter(subset="all", space="tss")
    figures.draw_correlations(ax, rows, ["flops", "naswot", "kappa"], ["digits"])
    found = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    assert found == [pytest.approx([0.58, 0.63]), pytest.approx([0.45, 0.52]), pytest.approx([-0.35, -0.2])]


def best_networks():
    """Correlations, those given costs, and ceilings, of two proxies."""
    numbers = {"low": 0.1, "high": 0.9, "n": N}
    proxies = {"proxy": ["flops", "naswot"] * 3, "subset": ["all"] * 2 + ["best_10_pct"] * 2 + ["best_1_pct"] * 2}
    kendall = [0.4, 0.6, 0.2, -0.1, None, 0.3]
    correlations = {**AT, **proxies, "kendall": kendall, **numbers}
    given = {"proxy": ["naswot"] * 2, "given": ["params_m", "params_m, mflops, n_relu"], "kendall": [0.5, 0.25]}
    ceilings = {
        "quantity": ["accuracy"] * 3 + ["naswot"],
        "estimate": ["noise_added"] * 2 + ["class_mean", "two_seeds"],
    }
    ceilings |= {"subset": ["all", "best_1_pct", "all", "all"], "kendall": [0.95, 0.5, 0.97, 0.8]}
    return [pl.DataFrame(rows) for rows in (correlations, {**AT, **given, **numbers}, {**AT, **ceilings})]


def test_best_networks_have_a_colour_per_set_and_a_line_per_ceiling(ax):
    figures.draw_best_networks(ax, *best_networks())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["naswot", "flops"]  # by tau on all
    correlations, *others = best_networks()
    some = pl.when(proxy="flops").then(100).otherwise("n").alias("n")
    other = figures.draw_best_networks(Figure().add_subplot(), correlations.with_columns(some), *others)
    assert [label.get_text() for label in other.get_yticklabels()] == ["naswot", "flops (n = 100)"]
    # Also where only one that has no tau is of all networks.
    some = {"n": pl.when(proxy="flops").then("n").otherwise(100), "kendall": pl.when(proxy="naswot").then("kendall")}
    other = figures.draw_best_networks(Figure().add_subplot(), correlations.with_columns(**some), *others)
    assert [label.get_text() for label in other.get_yticklabels()] == ["naswot (n = 100)"]
    drawn = {line.get_label(): line for line in ax.lines}
    assert drawn[f"all networks (n = {N:,})"].get_xdata().tolist() == [0.6, 0.4]
    assert drawn[f"best 10% by accuracy (n = {N:,})"].get_xdata().tolist() == [-0.1, 0.2]
    found = drawn[f"best 1% by accuracy (n = {N:,})"]
    assert (found.get_xdata().tolist(), np.round(found.get_ydata()).tolist()) == ([0.3], [0])
    assert drawn[f"all, given params, FLOPs and ReLUs (n = {N:,})"].get_xdata().tolist() == [0.25]
    dashed = {line.get_color(): line.get_xdata()[0] for line in ax.lines if line.is_dashed()}
    assert dashed == {drawn[f"all networks (n = {N:,})"].get_color(): 0.95, found.get_color(): 0.5}
    np.testing.assert_allclose(ax.collections[0].get_segments()[0][:, 0], [0.1, 0.9])


def test_best_networks_without_ceilings_say_nothing_of_them():
    correlations, partial, ceilings = best_networks()
    for given, said in ((ceilings, True), (ceilings.filter(quantity="naswot"), False)):
        figure = figures.best_networks_figure(correlations, partial, given)
        assert ("dashed" in figure.texts[-1].get_text()) == said


def test_correlations_figure_has_a_panel_per_space_of_all_networks():
    figure = figures.correlations_figure(CORRELATIONS)
    tss, sss = figure.axes
    assert "intervals over classes" in figure.texts[-1].get_text()
    assert [ax.get_title(loc="left") for ax in (tss, sss)] == ["tss, n = 15,625", "sss, n = 32,768"]
    assert (labels_of_rows(tss), labels_of_rows(sss)) == (["flops", "naswot", "kappa"], [""] * 3)
    assert marks(tss)["digits"] == [(0.6, 0), (0.5, 1), (-0.3, 2)]
    assert marks(sss)["digits"] == [(0.7, 0), (0.4, 1)]
    assert sss.get_legend() is None
    for rows in (CORRELATIONS, CORRELATIONS.sort("space")):  # the widest panel may be any
        limits = {ax.get_xlim() for ax in figures.correlations_figure(rows).axes}
        assert len(limits) == 1
        ((low, high),) = limits
        assert low < -0.35 and high > 0.7
    # The second space has the second dataset alone: a dataset has one colour, and the legend has both.
    more = CORRELATIONS.with_columns(dataset=pl.lit("letters"))
    tss, sss = figures.correlations_figure(pl.concat([CORRELATIONS.filter(space="tss"), more])).axes
    assert [text.get_text() for text in sss.get_legend().get_texts()] == ["digits", "letters"]
    colours = [
        {line.get_label(): line.get_color() for line in ax.lines if line.get_label()[0] != "_"} for ax in (tss, sss)
    ]
    assert colours[0] == colours[1] and len(set(colours[0].values())) == 2
    assert marks(sss)["digits"] == []


# --- speed


def test_speed_says_why_a_dot_is_missing():
    rows = {"space": "tss", "passes": "forward", "proxy": "naswot", "batch_size": [8, 64], "seconds": [0.1, 0.8]}
    rows |= {"processor": "a", "torch": "2", "proxybank": "1"}
    slow = pl.DataFrame(rows).with_columns(proxy=pl.lit("ntk"))[:1]
    figure = figures.speed_figure(pl.concat([pl.DataFrame(rows), slow]))
    assert "no dot: a smaller batch took too long" in figure.texts[-1].get_text()


# --- room


def small_figures():
    """Figures of so few panels that what is written around them is wider, and a legend of names that are longer."""
    long = " + ".join(f"{weight} * log(zen)" for weight in range(1, 10))
    small = pl.DataFrame({"constraint_id": ["small"], "optimum_pct": [94.0], "n_feasible": [1500]})
    place = {**AT, "arch_index": np.arange(N)}
    scores, networks = pl.DataFrame({**place, "naswot": SCORE, "zen": SCORE}), pl.DataFrame({**place, "n_relu": SCORE})
    final = pl.DataFrame({**place, "split": "test", "epochs": 200, "accuracy_pct": ACCURACY})
    of_tss = CORRELATIONS.filter(space="tss")
    yield "search_time", figures.search_time_figure(RUNS, small)
    yield "search_time, long", figures.search_time_figure(RUNS.with_columns(objective=pl.lit(long)), small)
    yield "regrets", figures.regrets_figure(REGRETS.with_columns(objective=pl.lit(long)), "tss, digits")
    yield "correlations", figures.correlations_figure(of_tss.with_columns(n=pl.lit(9)), ["naswot"])
    for proxies in (["naswot"], ["naswot", "zen"]):
        yield f"scores_{len(proxies)}", figures.scores_figure(scores, final, of_tss, proxies)
    yield "relus", figures.relus_figure(networks, scores, ["naswot"])
    yield "children", figures.children_figure(HISTORIES, {"plain": "mutation", "vote": "vote"}, "tss, digits")
    yield "sampling", figures.sampling_figure(SAMPLING, 100, 32_768, "tss, imagenet16-120")
    speed = {"space": "tss", "passes": "forward", "proxy": "naswot", "batch_size": [8, 64], "seconds": [0.1, 0.8]}
    yield "speed", figures.speed_figure(pl.DataFrame({**speed, "processor": "a", "torch": "2", "proxybank": "1"}))


def test_no_text_is_cut_off():
    for name, figure in small_figures():
        figure.draw_without_rendering()
        shown = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible() and artist.get_text())
        axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
        ticks = {label for axis in axes for label in axis.get_ticklabels(which="both")}  # of which some lie outside
        for text in set(shown) - ticks:
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= figure.bbox.width, (name, text.get_text())


@pytest.mark.parametrize(("n_letters", "rows"), [(20, 1), (80, 2), (200, 2)])
def test_a_legend_has_as_many_columns_as_fit(ax, n_letters, rows):
    figure = ax.figure
    width, height = figure.get_size_inches()
    style.legend_below(figure, [*ax.plot(1), *ax.plot(2)], ["x" * n_letters] * 2, columns=2)
    assert figure.get_figheight() == pytest.approx(height + 0.19 * rows)
    assert (figure.get_figwidth() > width) == (n_letters == 200)  # where one column is wider than the figure


# --- what a figure comes from

EARLIER = {
    "scores.made_by.0": "proxybank 0.1.0 (1d5f013), torch 2.13.0+cpu, Intel(R) Xeon(R) Processor",
    "scores.made_by.1": "proxybank 0.1.0 (8b46340-dirty), torch 2.13.0+cpu, AMD EPYC, of 2020",
    "scores.made_by.2": "proxybank 0.1.0 (unknown), torch 2.13.0+cpu, AMD EPYC, of 2020",
}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {},
            "Run digits. Seeds: 0, 1, 2. Batches of 64 images. Scores by proxybank 0.1.0, torch 2.13.0 on AMD EPYC.",
        ),
        (
            EARLIER | {"config.seeds": "[3]"},
            "Run digits. Seeds: 3. Batches of 64 images. Scores by proxybank 0.1.0, torch 2.13.0+cpu on AMD EPYC, "
            "of 2020 and Intel(R) Xeon(R) Processor.",
        ),
        ({"config.seeds": "[0, 1, 2, 3, 4, 9]"}, "Run digits. Seeds: 0, 1, …, 9. "),
        (
            {"scores.made_by.0": "unknown"},
            "Run digits. Seeds: 0, 1, 2. Batches of 64 images. Scores by code that left no name.",
        ),
        (
            {"scores.made_by.0": "unknown", "scores.made_by.1": EARLIER["scores.made_by.0"]},
            "Run digits. Seeds: 0, 1, 2. Batches of 64 images. Scores by proxybank 0.1.0, torch 2.13.0+cpu on Intel(R) "
            "Xeon(R) Processor; and by code that left no name.",
        ),
    ],
)
def test_a_figure_says_what_it_comes_from(facts, said, ax):
    facts = dict(FRAMES["provenance"].rows()) | facts
    figures.footer(ax.figure, pl.DataFrame(list(facts.items()), ["key", "value"], orient="row"))
    assert ax.figure.texts[0].get_text().startswith(said)


@pytest.mark.parametrize("legend", [False, True])
def test_the_line_below_a_figure_hides_nothing(legend):
    figure, axes = style.panels(2, 2)
    style.suptitle(figure, "Title", "subtitle")
    if legend:
        style.legend_below(figure, [*axes[0].plot(range(3)), *axes[1].plot(range(3))], ["a line"] * 2, columns=1)
    height = figure.get_figheight()
    figures.footer(figure, FRAMES["provenance"])
    figure.draw_without_rendering()
    assert figure.get_figheight() > height
    line = figure.texts[-1].get_window_extent()
    assert figure.bbox.contains(line.x0, line.y0) and figure.bbox.contains(line.x1, line.y1)
    bottom = min(ax.get_tightbbox().y0 for ax in axes)
    for key in figure.legends:
        extent = key.get_window_extent()
        assert line.y1 <= extent.y0 and extent.y1 <= bottom
    assert line.y1 <= bottom and len(figure.legends) == legend


# --- files


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_same_picture_same_bytes(ending, tmp_path):
    for name in ("one", "two"):
        figures.save(figures.correlations_figure(CORRELATIONS), tmp_path / f"{name}.{ending}")
    one = (tmp_path / f"one.{ending}").read_bytes()
    assert one == (tmp_path / f"two.{ending}").read_bytes()
    assert b"Software" not in one
    assert b"<dc:date>" not in one


def test_png_has_200_dots_per_inch(tmp_path):
    figure = figures.regrets_figure(REGRETS, "tss, digits")
    figures.save(figure, tmp_path / "regrets.png")
    with Image.open(tmp_path / "regrets.png") as image:
        assert image.size == tuple((200 * figure.get_size_inches()).astype(int))


def test_style_ends_with_its_block():
    assert mpl.rcParams["svg.hashsalt"] == "proxybank"
    with figures.house_style():
        mpl.rcParams["font.size"] = 30
    assert mpl.rcParams["font.size"] == 9

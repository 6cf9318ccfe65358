"""The contract: grain, key and columns of every table of a run, and the check that each passes before it is written."""

from dataclasses import dataclass

import polars as pl

from proxybank.errors import TableError, suggest

# A class and seed that a sample leaves out, see `samples`.
NOT_SAMPLED = "not_sampled"
STATUSES = ("ok", "singular", "constant", "overflow", "nan", NOT_SAMPLED)
SPLITS = ("test", "valid")


@dataclass(frozen=True)
class Column:
    """One column: name, dtype (None: Int64 or Float64, as it comes), meaning and unit, and whether it may be null."""

    name: str
    dtype: pl.DataType | None
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    Attributes
    ----------
    name : str
        File name of the Parquet file, and name of the table in DuckDB.
    grain : str
        What one row is.
    key : tuple of str
        Columns that tell any two rows apart.
    columns : tuple of Column
        In order; all of them must be there.
    optional : tuple of Column
        Columns that may be there.
    further : Column or None
        What a column beyond these is, for tables that may have some; its name is not used.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: tuple[Column, ...] = ()
    further: Column | None = None

    @property
    def own(self) -> tuple[Column, ...]:
        """Columns whose names are the contract's: all but `further` ones."""
        return (*self.columns, *self.optional)

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, `further` for any other name."""
        return next((column for column in self.own if column.name == name), self.further)


def _text(name: str, meaning: str) -> Column:
    return Column(name, pl.String(), meaning)


def _count(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, pl.Int64(), meaning, nullable)


def _number(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, pl.Float64(), meaning, nullable)


_SPACE = _text("space", "search space: tss or sss")
_DATASET = _text("dataset", "the config's name of the dataset")
_ARCH_INDEX = _count("arch_index", "NATS-Bench's official index of the network")
_CLASS_INDEX = _count(
    "class_index",
    "networks of one class compute the same function and share their scores; with dead_edges: keep, each is one",
)
_SEED = _count("seed", "seed of the weight initialisation")
_ALGORITHM = _text("algorithm", "the search's name, or its algorithm's where it has none")
_OBJECTIVE = _text("objective", "expression over score columns that the search maximises")
_CONSTRAINT = _text("constraint_id", "the config's name of a set of cost limits")
_PROXY = _text("proxy", "name in the registry")
_SCORE = _number("<proxy>", "raw value of the proxy of that name; null where there is no score", nullable=True)

_TABLES = (
    Table(
        "networks",
        "one network of a space, built for the images of a dataset",
        ("space", "dataset", "arch_index"),
        (
            _SPACE,
            _DATASET,
            _ARCH_INDEX,
            _text("arch", "NATS-Bench's architecture string"),
            _CLASS_INDEX,
            _number("params_m", "parameters, millions"),
            _number("mflops", "multiply-adds per image, millions"),
            _count("n_relu", "ReLUs called in a forward pass"),
            _number("skipped_layers", "mean number of nodes that a skip connection jumps; 0 without skips"),
        ),
        optional=(  # a space that lacks one has nulls
            _count("relu_units", "numbers that go into the ReLUs of one image's forward pass", nullable=True),
            _count("n_conv", "convolutions", nullable=True),
            _count("n_live_conv", "convolutions on a path from input to output, or outside the cells", nullable=True),
            _count("n_live_edges", "edges of the cell on a path from its input to its output", nullable=True),
            _number("mean_width", "output channels, mean over cells and reductions", nullable=True),
            _count("depth", "convolutions on the longest path from input to output; 0 without one", nullable=True),
            _count("isomorphism_class", "NAS-Bench-201's class by expression string, one of 6,466", nullable=True),
            *(
                _count(f"n_{name}", f"edges of the cell that are {operation}", nullable=True)
                for name, operation in (
                    ("conv_3x3", "3x3 convolutions"),
                    ("conv_1x1", "1x1 convolutions"),
                    ("avg_pool", "average pooling"),
                    ("skip", "skip connections"),
                    ("none", "none"),
                )
            ),
            *(_count(f"width_{k}", f"output channels of group {k} of five", nullable=True) for k in range(5)),
            _count(
                "sample_place", "classes drawn before this network's: a sample of n has those below n", nullable=True
            ),
        ),
        further=Column("<user's>", None, "a user's column (columns in the configuration)", nullable=True),
    ),
    Table(
        "scores_by_seed",
        "one network and seed",
        ("space", "dataset", "arch_index", "seed"),
        (_SPACE, _DATASET, _ARCH_INDEX, _SEED),
        further=_SCORE,
    ),
    Table(
        "scores",
        "one network: the mean of each proxy over the seeds asked for, null where any of these has no score",
        ("space", "dataset", "arch_index"),
        (_SPACE, _DATASET, _ARCH_INDEX),
        further=_SCORE,
    ),
    Table(
        "score_status",
        "one class of networks, seed and proxy",
        ("space", "dataset", "class_index", "seed", "proxy"),
        (
            _SPACE,
            _DATASET,
            _CLASS_INDEX,
            _SEED,
            _PROXY,
            _text("status", "ok, or why there is no score: singular, constant, overflow, nan, or not_sampled"),
            _number("seconds", "seconds of this class's share of the pass that fed the proxy, where it was computed"),
        ),
    ),
    Table(
        "accuracies",
        "one trained network, split and number of epochs",
        ("space", "dataset", "arch_index", "split", "epochs"),
        (
            _SPACE,
            _DATASET,
            _ARCH_INDEX,
            _text("split", "test or valid"),
            _count("epochs", "epochs of the training schedule"),
            _number("accuracy_pct", "accuracy in percent, mean over the trained seeds"),
            _number(
                "train_seconds",
                "seconds of that whole training, mean over the seeds; from an archive, with one validation for split "
                "valid; null if unknown",
                True,
            ),
            _text("source", "where the number comes from"),
        ),
    ),
    Table(
        "search_runs",
        "one run of a search",
        ("space", "dataset", "algorithm", "objective", "budget", "constraint_id", "run"),
        (
            _SPACE,
            _DATASET,
            _ALGORITHM,
            _OBJECTIVE,
            _number("budget", "what a run may spend, in budget_unit"),
            _CONSTRAINT,
            _count("run", "number of the run, from 0"),
            _count("best_arch_index", "network the search returns; null if it saw no score", True),
            _number("accuracy_pct", "final test accuracy of that network, percent", True),
            _number("regret_pct", "accuracy lost to the best network within the limits, percentage points", True),
            _count("n_evaluated", "networks evaluated, repeats included where they are charged"),
            _number("simulated_seconds", "stored seconds of what the run evaluated; null if some are unknown", True),
            _text("kind", "name of the algorithm in the registry, whatever the search is called"),
            _text("budget_unit", "what budget counts: evaluations, or simulated seconds"),
            _number("own_seconds", "seconds that replaying the run took here"),
            _count("seed", "seed whose scores alone the run saw; null where it saw means over the seeds", True),
        ),
    ),
    Table(
        "search_trajectories",
        "one change of the best network so far in one run of a search; the last one holds until the end of the run",
        ("space", "dataset", "algorithm", "objective", "budget", "constraint_id", "run", "n_evaluated"),
        (
            _SPACE,
            _DATASET,
            _ALGORITHM,
            _OBJECTIVE,
            _number("budget", "as in search_runs"),
            _CONSTRAINT,
            _count("run", "number of the run, from 0"),
            _count("n_evaluated", "networks evaluated by then"),
            _number("simulated_seconds", "stored seconds of what was evaluated by then; null if unknown", True),
            _count("best_arch_index", "best network so far by the objective, at the last stage reached"),
            _number("accuracy_pct", "final test accuracy of that network, percent"),
            _number("regret_pct", "accuracy lost to the best network within the limits, percentage points"),
        ),
    ),
    Table(
        "correlations",
        "one proxy on one set of networks, against final test accuracy",
        ("space", "dataset", "proxy", "subset"),
        (
            _SPACE,
            _DATASET,
            _PROXY,
            _text(
                "subset",
                "all: networks without a score rank worst, all tied; finite: they are left out; best_10_pct, "
                "best_1_pct: of all, those best by accuracy; best_scored_10_pct, best_scored_1_pct: by the score; ties "
                "included",
            ),
            _number("kendall", "Kendall's tau-b; null where all values are equal", True),
            _number("spearman", "Spearman's rho; null where all values are equal", True),
            _number("low", "2.5% quantile of tau-b over bootstrap samples of classes", True),
            _number("high", "97.5% quantile of tau-b over bootstrap samples of classes", True),
            _count("n", "networks ranked; of a proxy that is scored on a sample, those in it"),
            _count("n_finite", "of these, networks with a score"),
            _number("spearman_low", "2.5% quantile of rho over the same bootstrap samples", True),
            _number("spearman_high", "97.5% quantile of rho over the same bootstrap samples", True),
            _number(
                "seeds_std",
                "standard deviation (n - 1) of tau-b over single seeds, whose noise low and high do not hold; null if "
                "there is one seed, and for best_scored",
                True,
            ),
            _number("spearman_seeds_std", "the same of rho", True),
        ),
    ),
    Table(
        "partial_correlations",
        "one proxy and one set of costs that are held fixed, against final test accuracy, on all networks",
        ("space", "dataset", "proxy", "given"),
        (
            _SPACE,
            _DATASET,
            _PROXY,
            _text("given", "columns of networks whose ranks (signs of differences, for tau) are regressed out"),
            _number("kendall", "partial tau-b; null where the costs determine the proxy's ranks, or do not vary", True),
            _number("spearman", "partial rho; null as kendall", True),
            _number("low", "2.5% quantile of partial tau-b over bootstrap samples of classes", True),
            _number("high", "97.5% quantile of partial tau-b over bootstrap samples of classes", True),
            _count("n", "networks ranked"),
            _number("spearman_low", "2.5% quantile of rho over the same bootstrap samples", True),
            _number("spearman_high", "97.5% quantile of rho over the same bootstrap samples", True),
        ),
    ),
    Table(
        "ceilings",
        "one way to measure again what correlations are with, on one set of networks: how well the two agree",
        ("space", "dataset", "quantity", "estimate", "subset"),
        (
            _SPACE,
            _DATASET,
            _text("quantity", "accuracy (final test accuracy), or a proxy that differs between seeds"),
            _text(
                "estimate",
                "class_mean: accuracy with the mean of its class, itself included, which flatters; other_half: of one "
                "half of its members with the mean of the other, below the ceiling but for ties within classes, mean "
                "over halvings; noise_added: with one more training of all networks, of noise drawn from classes. "
                "two_seeds: scores by two seeds, mean over pairs of seeds; seed_means: means over all seeds of the run "
                "with those over as many others, by Spearman-Brown",
            ),
            _text("subset", "all networks with an accuracy; best_10_pct, best_1_pct: of all, those best by accuracy"),
            _number("kendall", "Kendall's tau-b; null where all values are equal, and for seed_means", True),
            _number("spearman", "Spearman's rho; null where all values are equal", True),
            _number("low", "2.5% quantile of tau-b over bootstrap samples of classes", True),
            _number("high", "97.5% quantile of tau-b over bootstrap samples of classes", True),
            _count(
                "n",
                "networks ranked; for class_mean those of classes with two or more trained members, for other_half "
                "half of them",
            ),
            _number("spearman_low", "2.5% quantile of rho over the same bootstrap samples, moved by its bias", True),
            _number("spearman_high", "97.5% quantile of rho over the same bootstrap samples, moved by its bias", True),
        ),
    ),
    Table(
        "regrets",
        "one way to choose a network within one set of cost limits",
        ("space", "dataset", "constraint_id", "algorithm", "objective"),
        (
            _SPACE,
            _DATASET,
            _CONSTRAINT,
            _text("algorithm", "search algorithm; or argmax of the objective; or a control: oracle, random"),
            _text(
                "objective",
                "expression over score columns that is maximised; for argmax a proxy, whose best score is taken, the "
                "lowest where lower is better; empty for a control",
            ),
            _number("max_mflops", "limit, multiply-adds in millions, inclusive; null if there is none", True),
            _number("max_params_m", "limit, parameters in millions, inclusive; null if there is none", True),
            _count("n_feasible", "networks with a known accuracy within all limits; for argmax, those in the sample"),
            _number("optimum_pct", "best final test accuracy among these, percent", True),
            _number("mean_pct", "final test accuracy of the choice, percent; mean over runs, ties or draws", True),
            _number("std_pct", "its standard deviation: over runs (n - 1), over ties or draws (n)", True),
            _number("regret_pct", "optimum_pct - mean_pct, percentage points", True),
            _count("runs", "replayed runs; null where mean_pct is exact", True),
            _number("budget", "budget of those runs, the largest in search_runs; null where mean_pct is exact", True),
            _number("max_n_relu", "limit, ReLUs called, inclusive; null if there is none", True),
            Column("budget_unit", pl.String(), "what budget counts: evaluations, or simulated seconds", nullable=True),
            _text("limits", "all limits, inclusive, as JSON: max_<column of networks>, in the unit of the column"),
            _number(
                "half_pct",
                "half the 95% interval of mean_pct over runs, as in leaderboard; null if exact, or of one run or seed",
                True,
            ),
        ),
    ),
    Table(
        "feasible_networks",
        "one network that is known to keep all limits of a constraint",
        ("space", "dataset", "constraint_id", "arch_index"),
        (_SPACE, _DATASET, _CONSTRAINT, _ARCH_INDEX),
    ),
    Table(
        "choices",
        "one of the ten networks that a proxy likes best within all limits of a constraint; of those that compute the "
        "same function, the one with the fewest parameters, then the fewest operations",
        ("space", "dataset", "constraint_id", "proxy", "place"),
        (
            _SPACE,
            _DATASET,
            _CONSTRAINT,
            _PROXY,
            _count("place", "1 for the best score; equal ones in the order of parameters, then of arch_index"),
            _ARCH_INDEX,
            _text("arch", "NATS-Bench's architecture string"),
            _number("score", "value of the proxy, mean over the seeds asked for"),
            _number("params_m", "parameters, millions"),
            _number("mflops", "multiply-adds per image, millions"),
            _count("n_relu", "ReLUs called in a forward pass"),
        ),
    ),
    Table(
        "proxies",
        "one proxy of the run",
        ("proxy",),
        (
            _PROXY,
            Column("higher_is_better", pl.Boolean(), "whether its paper prefers larger values; scores are raw"),
            _text("fed_by", "group of passes that it is computed from, closed_form, or aggregate"),
            _count("version", "raised whenever its scores change"),
            _text("definition", "what it is, in one sentence"),
            _text("source", "publication"),
            _text("differs", "where the definition parts from the publication or its code; empty if nowhere"),
        ),
    ),
    Table(
        "provenance",
        "one fact about how the run was made",
        ("key",),
        (_text("key", "dotted name of the fact"), _text("value", "the fact, as text or JSON")),
    ),
)

TABLES = {table.name: table for table in _TABLES}


def conform(frame: pl.DataFrame, name: str, where: str) -> pl.DataFrame:
    """Check a frame against the contract, and return it with the contract's column order and dtypes.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of the table; narrower numbers are widened, nothing else is converted.
    name : str
        Name of the table in `TABLES`.
    where : str
        Where the frame comes from or goes to, for messages.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order.

    Raises
    ------
    TableError
        For a missing or unexpected column, a dtype that does not fit, a null or a non-finite number where the contract
        has none, or two rows with one key.
    """
    table = TABLES[name]
    names = [column.name for column in table.columns]
    missing = [column for column in names if column not in frame.columns]
    if missing:
        raise TableError(
            f"{where}: table {name} has no column '{missing[0]}'.{suggest(missing[0], frame.columns)} "
            f"Expected {', '.join(names)}; found {', '.join(frame.columns)}."
        )
    names += [column for column in frame.columns if column not in names]
    return check_key(frame.select(_conform_column(frame[column], table, where) for column in names), name, where)


def check_key(frame: pl.DataFrame, name: str, where: str) -> pl.DataFrame:
    """Return the frame if no two rows have the same key of table `name`, raise TableError otherwise."""
    key = TABLES[name].key
    repeated = frame.select(key).filter(pl.struct(key).is_duplicated())
    if repeated.height:
        found = ", ".join(f"{column} {value}" for column, value in repeated.row(0, named=True).items())
        raise TableError(
            f"{where}: table {name} has {repeated.height} rows that share their key, first {found}. "
            f"Expected one row per {', '.join(key)}."
        )
    return frame


def _conform_column(series: pl.Series, table: Table, where: str) -> pl.Series:
    column = table.column(series.name)
    if column is None:
        names = [column.name for column in table.columns]
        raise TableError(
            f"{where}: table {table.name} has a column '{series.name}' that the contract does not know."
            f"{suggest(series.name, names)} Expected {', '.join(names)}."
        )
    where = f"{where}: table {table.name}, column {series.name}"
    series = _widened(series, column.dtype or (pl.Int64() if series.dtype.is_integer() else pl.Float64()), where)
    if series.null_count() and not column.nullable:
        raise TableError(f"{where}: found {series.null_count()} nulls, first in row {_first(series.is_null())}.")
    if series.dtype == pl.Float64 and not series.is_finite().all():
        row = _first(~series.is_finite().fill_null(True))
        raise TableError(
            f"{where}: found {series[row]} in row {row}. Expected finite numbers, and null where there is none."
        )
    return series


def _widened(series: pl.Series, dtype: pl.DataType, where: str) -> pl.Series:
    fits = (
        series.dtype in (dtype, pl.Null)
        or (dtype == pl.Float64 and series.dtype.is_numeric())
        or (dtype == pl.Int64 and series.dtype.is_integer())
        or (dtype == pl.String and series.dtype in (pl.Categorical, pl.Enum))
    )
    if not fits:
        raise TableError(f"{where}: found {series.dtype} values. Expected {dtype}.")
    return series.cast(dtype)


def _first(mask: pl.Series) -> int:
    return mask.arg_true()[0]

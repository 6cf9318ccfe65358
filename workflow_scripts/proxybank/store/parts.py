"""Score parts: rows of (class, seed) as the passes leave them, and the contract's score tables made of them.

A part holds ``class_index`` and ``seed`` (int64) and per proxy ``p`` three columns: ``p`` (float64, null where there is
no score), ``p__status`` (why) and ``p__seconds`` (the class's share of the pass).
"""

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from proxybank.errors import TableError
from proxybank.store.files import read_metadata, read_parquet, write_parquet
from proxybank.store.progress import SECONDS, Checkpoint
from proxybank.store.samples import NO_SAMPLES, Samples, asked, asked_seeds
from proxybank.store.schema import NOT_SAMPLED, STATUSES

log = logging.getLogger("proxybank")

KEY = ["class_index", "seed"]
_STATUS = "__status"
_SECONDS = "__seconds"
_FOUND = "__found"
_MADE_BY = "made_by"  # key of the metadata
NO_MAKER = "unknown"  # of a file that does not say what computed it

# A job that is stopped loses the step it is at. The smallest has sizes that differ in their last width alone, and share
# all other layers.
_SMALLEST_STEP, _STEP_SECONDS = 8, SECONDS

Parts = Mapping[str, Sequence[str | Path]]
# Names of proxies, classes and a seed -> a row per class, with the columns of these proxies.
Score = Callable[[list[str], list[int], int], pl.DataFrame]


@dataclass(frozen=True)
class MadeWith:
    """What decides the scores in a part.

    Attributes
    ----------
    settings : str
        All that matters to every proxy, class and seed, in any form.
    versions : mapping of str to int
        Version of each proxy.
    batches : mapping of int to str
        Fingerprint of each seed's batch of images.
    """

    settings: str
    versions: Mapping[str, int]
    batches: Mapping[int, str]

    def as_text(self) -> dict[str, str]:
        """Metadata of a Parquet file."""
        parts = {"versions": self.versions, "batches": self.batches}
        return {"settings": self.settings} | {name: json.dumps(dict(part)) for name, part in parts.items()}

    @classmethod
    def from_text(cls, metadata: Mapping[str, str]) -> "MadeWith":
        """Inverse of `as_text`; raises KeyError or ValueError for anything else."""
        versions, batches = (json.loads(metadata[name]) for name in ("versions", "batches"))
        return cls(metadata["settings"], versions, {int(seed): batch for seed, batch in batches.items()})


class Known(NamedTuple):
    """Rows that are there, and need not be computed.

    Attributes
    ----------
    rows : polars.DataFrame
        Of some classes, seeds and proxies; without a column if there are none.
    made_by : sequence of str
        What computed them: code, library and processor, as `provenance.made_by` names them.
    """

    rows: pl.DataFrame
    made_by: Sequence[str]


NOTHING = Known(pl.DataFrame(), ())


def proxies_of(part: pl.DataFrame) -> list[str]:
    """Names of the proxies a part holds, in order."""
    return [column.removesuffix(_STATUS) for column in part.columns if column.endswith(_STATUS)]


def write_part(
    part: pl.DataFrame, path: str | Path, made_with: MadeWith | None = None, made_by: Sequence[str] = ()
) -> None:
    """Check a score part and write it atomically.

    Parameters
    ----------
    part : polars.DataFrame
    path : path
    made_with : MadeWith, optional
        Goes into the file, so that `update_part` can tell what may be used again.
    made_by : sequence of str
        Goes into the file with it, see `Known`.

    Raises
    ------
    TableError
        If a row is there twice, a status is unknown, or a score is there without status ``ok``, or not there with it.
    """
    if part.select(KEY).is_duplicated().any():
        raise TableError(f"{path}: a pair of class_index and seed is there more than once. Expected one row each.")
    for proxy in proxies_of(part):
        status, score = part[proxy + _STATUS], part[proxy]
        unknown = status.filter(~status.is_in(STATUSES) | status.is_null())
        if unknown.len():
            raise TableError(f"{path}: {proxy} has status {unknown[0]!r}. Expected one of {', '.join(STATUSES)}.")
        if not ((status == "ok") == (score.is_not_null() & score.is_finite().fill_null(False))).all():
            raise TableError(f"{path}: {proxy} is not a finite number exactly where its status is ok.")
    write_parquet(part, path, _metadata(made_with, made_by) if made_with else None)


def update_part(
    path: str | Path,
    made_with: MadeWith,
    score: Score,
    classes: Sequence[int],
    made_by: str,
    known: Known = NOTHING,
) -> list[str]:
    """Write a score part, of which only that is computed which no earlier file has, in steps of about a minute.

    While it computes, a file beside it, whose name ends in ``.progress``, has what is done, and a job that was stopped
    goes on from there; the part itself has a second name, with ``.kept`` behind it, from where a job that runs again
    goes on. A part has what is asked for and nothing else: another seed, proxy or class that there was is gone.

    Parameters
    ----------
    path : path
        The files beside it need not be there, nor be whole. The scores of a proxy and seed are taken from them if
        version, batch and all settings are the same. What is at the path itself is written over.
    made_with : MadeWith
        Its versions and batches say what proxies and seeds the part holds; proxies are in this order.
    score : callable
        What computes, one seed and a few classes at a time; see `Score`.
    classes : sequence of int
        The part's.
    made_by : str
        What computes, see `Known`. The file names it if anything is computed, beside what computed the rest.
    known : Known, optional
        See `known.known_scores`.

    Returns
    -------
    list of str
        Proxies that were computed, for some class and seed at least.

    Raises
    ------
    TableError
        As `write_part` does.
    """
    rows, makers = _nothing(classes, made_with), {}
    kept, unfinished = (_still_good(of(path), made_with) for of in (Checkpoint.finished, Checkpoint.unfinished))
    for source in (kept, known, unfinished):
        filled = _filled(rows, source.rows)
        if not filled.equals(rows):
            rows, makers = filled, makers | dict.fromkeys(source.made_by)
    missing = _missing(rows, made_with)
    makers |= {made_by: None} if missing else {}
    checkpoint = Checkpoint(path, _metadata(made_with, list(makers)))
    n_there = rows.height - sum(len(of) for _, _, of in missing)
    for seed, names, left in missing:
        n_classes = _SMALLEST_STEP
        while left:
            step, left = left[:n_classes], left[n_classes:]
            start = time.monotonic()
            rows = _filled(rows, score(names, step, seed))
            n_there += len(step)
            if checkpoint.save(rows):
                log.info("%d of %d networks and seeds are scored", n_there, rows.height)
            took = time.monotonic() - start
            if took < _STEP_SECONDS / 2:
                n_classes *= 2
            elif took > _STEP_SECONDS * 2:
                n_classes = max(n_classes // 2, _SMALLEST_STEP)
    write_part(rows.sort(KEY), path, made_with, list(makers))
    checkpoint.keep()
    computed = {name for _, names, _ in missing for name in names}
    return [name for name in made_with.versions if name in computed]


def _nothing(classes: Sequence[int], made_with: MadeWith) -> pl.DataFrame:
    """Rows of a part in which nothing is scored."""
    index = pl.DataFrame({"class_index": classes}, schema={"class_index": pl.Int64})
    seeds = pl.DataFrame({"seed": list(made_with.batches)}, schema={"seed": pl.Int64})
    dtypes = {column: pl.Float64 for column in columns_of(made_with.versions)}
    dtypes |= {name + _STATUS: pl.String for name in made_with.versions}
    return index.join(seeds, how="cross").with_columns(pl.lit(None, dtype).alias(c) for c, dtype in dtypes.items())


def _filled(rows: pl.DataFrame, source: pl.DataFrame) -> pl.DataFrame:
    """Rows of a part, with what they lack and other rows have."""
    names = [name for name in proxies_of(source) if name + _STATUS in rows.columns]
    if not names:
        return rows
    there = source.select(*KEY, pl.col(columns_of(names)).name.suffix(_FOUND))
    both = rows.join(there, on=KEY, how="left", maintain_order="left", validate="1:1")
    lacks = {column: pl.col(name + _STATUS).is_null() for name in names for column in columns_of([name])}
    filled = [pl.when(lack).then(column + _FOUND).otherwise(column).alias(column) for column, lack in lacks.items()]
    return both.with_columns(filled).select(rows.columns)


def _missing(rows: pl.DataFrame, made_with: MadeWith) -> list[tuple[int, list[str], list[int]]]:
    """What is to be computed: of a seed some proxies, for the classes that lack just these: one pass feeds them all."""
    lacks = rows.select(*KEY, pl.col(name + _STATUS for name in made_with.versions).is_null())
    found = []
    for (seed, *lacking), group in lacks.group_by(lacks.columns[1:], maintain_order=True):
        if names := list(itertools.compress(made_with.versions, lacking)):
            found.append((seed, names, group["class_index"].to_list()))
    return sorted(found, key=lambda entry: list(made_with.batches).index(entry[0]))


def columns_of(proxies: Iterable[str]) -> list[str]:
    """Columns of proxies in a score part."""
    return [proxy + suffix for proxy in proxies for suffix in ("", _STATUS, _SECONDS)]


def makers_of(paths: Iterable[str | Path]) -> list[str]:
    """What computed the rows of some score parts, each once; see `Known`."""
    return list(dict.fromkeys(maker for path in paths for maker in _makers(read_metadata(path))))


def _metadata(made_with: MadeWith, made_by: Sequence[str]) -> dict[str, str]:
    return made_with.as_text() | {_MADE_BY: json.dumps(list(made_by))}


def _makers(metadata: Mapping[str, str]) -> list[str]:
    return json.loads(metadata[_MADE_BY]) if _MADE_BY in metadata else [NO_MAKER]


def _still_good(path: str | Path, made_with: MadeWith) -> Known:
    """What would be computed again to the same values, of an earlier file."""
    try:
        metadata = read_metadata(path)
        earlier = MadeWith.from_text(metadata)
        if earlier.settings == made_with.settings:
            names = [name for name, version in made_with.versions.items() if earlier.versions.get(name) == version]
            seeds = [seed for seed, batch in made_with.batches.items() if earlier.batches.get(seed) == batch]
            rows = read_parquet(path).select(KEY + columns_of(names)).filter(pl.col("seed").is_in(seeds))
            return Known(rows, _makers(metadata))
        log.info("Nothing is taken from the earlier %s: its settings are others", path)
    except FileNotFoundError:
        pass
    except Exception as error:  # a damaged file raises whatever pyarrow and polars do
        log.warning("Nothing is taken from the earlier %s, which cannot be read: %r", path, error)
    return NOTHING


def read_group(
    paths: Sequence[str | Path], networks: pl.DataFrame, seeds: Sequence[int], samples: Samples = NO_SAMPLES
) -> pl.DataFrame:
    """Join the parts of one group of passes, one row per class of `networks` and seed, in that order.

    Parameters
    ----------
    paths : sequence of path
        Score parts with the same columns, in any order.
    networks : polars.DataFrame
        Rows of the table ``networks`` of one space and dataset; `class_index` says which classes are needed.
    seeds : sequence of int
        Seeds needed of each class.
    samples : mapping of str to Sample
        Proxies that are scored on some classes and seeds only; all proxies of a group have the same. The others have
        no score, status ``not_sampled``, and took no time.

    Raises
    ------
    TableError
        If a part cannot be read or has other proxies, or no part has some (class, seed), or two parts have it.
    """
    parts = [read_parquet(path) for path in paths]
    proxies = proxies_of(parts[0])
    for path, part in zip(paths, parts, strict=True):
        if set(proxies_of(part)) != set(proxies):
            few, many = sorted([(paths[0], proxies), (path, proxies_of(part))], key=lambda entry: len(entry[1]))
            lacking = [name for name in many[1] if name not in few[1]]
            raise TableError(
                f"{few[0]} has no {', '.join(lacking)}, which {many[0]} has. Expected the same proxies in all parts "
                "beside each other. Delete it, and run the workflow again."
            )
    rows = pl.concat([part.select(parts[0].columns) for part in parts])
    # A class is in a sample if one of its networks is.
    classes = networks.sort("^sample_place$").unique("class_index", keep="first").sort("class_index")
    expected = classes.select("class_index", asked=pl.Series(asked(classes, samples, proxies[0]))).join(
        pl.DataFrame({"seed": pl.Series(sorted(seeds), dtype=pl.Int64)}), how="cross"
    )
    wanted = pl.col("asked") & pl.col("seed").is_in(asked_seeds(seeds, samples, proxies[0]))
    group = expected.join(rows, on=KEY, how="left", maintain_order="left")
    if group.height > expected.height:
        index, seed = group.filter(pl.struct(KEY).is_duplicated()).select(KEY).row(0)
        raise TableError(f"{paths[0]} and the parts beside it have class {index}, seed {seed} more than once.")
    absent = group.filter(wanted & pl.col(proxies[0] + _STATUS).is_null())
    if absent.height:
        index, seed = absent.select(KEY).row(0)
        n_wanted = expected.filter(wanted).height
        raise TableError(
            f"{paths[0]} and the parts beside it lack {absent.height} of {n_wanted} pairs of class and seed, "
            f"first class {index}, seed {seed}. Score the part they belong to."
        )
    return group.drop("asked").with_columns(
        *(pl.col(proxy + _STATUS).fill_null(NOT_SAMPLED) for proxy in proxies),
        *(pl.col(proxy + _SECONDS).fill_null(0.0) for proxy in proxies),
    )


def scores_by_seed(
    networks: pl.DataFrame, parts: Parts, seeds: Sequence[int], samples: Samples = NO_SAMPLES
) -> pl.DataFrame:
    """Table ``scores_by_seed`` of one space and dataset: each class's scores, given to its networks in the sample.

    Parameters
    ----------
    networks : polars.DataFrame
        Rows of the table ``networks`` of one space and dataset.
    parts : mapping
        Group of passes -> its score parts. The proxies of all groups become columns, in this order.
    seeds : sequence of int
        Seeds of the run.
    samples : mapping of str to Sample
        As in `read_group`.

    Returns
    -------
    polars.DataFrame
        Sorted by arch_index and seed.
    """
    ordered = networks.sort("arch_index")
    rows = ordered.select("space", "dataset", "arch_index", "class_index")
    rows = rows.join(pl.DataFrame({"seed": pl.Series(sorted(seeds), dtype=pl.Int64)}), how="cross")
    for paths in parts.values():
        group = read_group(paths, networks, seeds, samples)
        proxies = proxies_of(group)
        rows = rows.join(group.select(KEY + proxies), on=KEY, how="left", maintain_order="left")
        drawn = np.repeat(asked(ordered, samples, proxies[0]), len(seeds))
        rows = rows.with_columns(pl.when(pl.Series(drawn)).then(proxy).alias(proxy) for proxy in proxies)
    return rows.drop("class_index")


def mean_scores(by_seed: pl.DataFrame, samples: Samples = NO_SAMPLES) -> pl.DataFrame:
    """Table ``scores``: the mean of each proxy over the seeds asked for, null where any of these has no score.

    Null because no score means that the value is not finite (a singular NASWOT kernel scores ln 0), and then neither is
    the mean; the mean of the other seeds would be another quantity, and better than the network deserves. The view
    ``partial_scores`` lists such networks, and ``avg`` over ``scores_by_seed`` gives the other mean.

    Parameters
    ----------
    by_seed : polars.DataFrame
        As `scores_by_seed` returns it: sorted, with every seed of every network.
    samples : mapping of str to Sample
        As in `read_group`.
    """
    seeds = by_seed["seed"].unique().sort().to_list()
    n_seeds = len(seeds)
    means = by_seed.gather_every(n_seeds).drop("seed")
    for proxy in means.columns[3:]:
        # NumPy adds in the order of seeds, so the bits do not depend on the number of threads; NaN stands for null.
        wanted = np.isin(seeds, asked_seeds(seeds, samples, proxy))
        if not wanted.any():  # an aggregate of terms that share no seed
            means = means.with_columns(pl.lit(None, pl.Float64).alias(proxy))
            continue
        mean = by_seed[proxy].to_numpy().reshape(-1, n_seeds)[:, wanted].mean(axis=1)
        means = means.with_columns(pl.Series(proxy, np.where(np.isfinite(mean), mean, np.nan)).fill_nan(None))
    return means


def score_status(
    networks: pl.DataFrame, parts: Parts, seeds: Sequence[int], samples: Samples = NO_SAMPLES
) -> Iterator[pl.DataFrame]:
    """Table ``score_status`` of one space and dataset, one frame per proxy (the whole would not fit in little memory).

    The parameters are those of `scores_by_seed`.
    """
    space, dataset = networks.select("space", "dataset").row(0)
    for paths in parts.values():
        group = read_group(paths, networks, seeds, samples)
        for proxy in proxies_of(group):
            yield group.select(
                pl.lit(space).alias("space"),
                pl.lit(dataset).alias("dataset"),
                "class_index",
                "seed",
                pl.lit(proxy).alias("proxy"),
                pl.col(proxy + _STATUS).alias("status"),
                pl.col(proxy + _SECONDS).alias("seconds"),
            )

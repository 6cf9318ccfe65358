"""Score parts and the tables made of them: four networks of two classes, all values by hand."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from proxybank import spaces, store
from proxybank.errors import TableError

SEEDS = [0, 1]
# Networks 0 and 2 are of class 0, network 1 of class 1, network 3 of class 2.
NETWORKS = pl.DataFrame(
    {
        "space": "tss",
        "dataset": "digits",
        "arch_index": [0, 1, 2, 3],
        "arch": ["a", "b", "c", "d"],
        "class_index": [0, 1, 0, 2],
        "params_m": 1.0,
        "mflops": 2.0,
        "n_relu": 5,
        "skipped_layers": 0.0,
    }
)


def part(rows: list[tuple[int, int, float | None, str]], proxy: str = "naswot") -> pl.DataFrame:
    columns = {"class_index": pl.Int64, "seed": pl.Int64, proxy: pl.Float64, f"{proxy}__status": pl.String}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.lit(0.5).alias(f"{proxy}__seconds"))


NASWOT_0 = part([(0, 0, 10.0, "ok"), (0, 1, 12.0, "ok"), (1, 0, 7.0, "ok"), (1, 1, None, "singular")])
NASWOT_1 = part([(2, 0, None, "nan"), (2, 1, None, "nan")])
SYNFLOW = part([(c, s, 100.0 * c + s, "ok") for c in (2, 1, 0) for s in (1, 0)], "synflow")


@pytest.fixture
def parts(tmp_path):
    paths = {"forward": [tmp_path / "0.parquet", tmp_path / "1.parquet"], "synaptic_flow": [tmp_path / "s.parquet"]}
    for frame, path in zip([NASWOT_0, NASWOT_1, SYNFLOW], paths["forward"] + paths["synaptic_flow"], strict=True):
        store.write_part(frame, path)
    return paths


def test_class_scores_reach_every_network_of_the_class(parts):
    expected = pl.DataFrame(
        {
            "space": "tss",
            "dataset": "digits",
            "arch_index": [0, 0, 1, 1, 2, 2, 3, 3],
            "seed": [0, 1] * 4,
            "naswot": [10.0, 12.0, 7.0, None, 10.0, 12.0, None, None],
            "synflow": [0.0, 1.0, 100.0, 101.0, 0.0, 1.0, 200.0, 201.0],
        }
    )
    assert_frame_equal(store.scores_by_seed(NETWORKS, parts, SEEDS), expected)


def test_order_of_parts_networks_and_seeds_does_not_matter(parts):
    shuffled = {"forward": parts["forward"][::-1], "synaptic_flow": parts["synaptic_flow"]}
    backwards = NETWORKS.reverse(), shuffled, SEEDS[::-1]
    assert_frame_equal(store.scores_by_seed(*backwards), store.scores_by_seed(NETWORKS, parts, SEEDS))
    status = store.score_status(*backwards), store.score_status(NETWORKS, parts, SEEDS)
    assert_frame_equal(*map(pl.concat, status))


def test_mean_is_null_where_any_seed_has_no_score(parts):
    expected = pl.DataFrame(
        {
            "space": "tss",
            "dataset": "digits",
            "arch_index": [0, 1, 2, 3],
            "naswot": [11.0, None, 11.0, None],
            "synflow": [0.5, 100.5, 0.5, 200.5],
        }
    )
    assert_frame_equal(store.mean_scores(store.scores_by_seed(NETWORKS, parts, SEEDS)), expected)


def test_mean_that_overflows_is_null():
    by_seed = pl.DataFrame({"space": "tss", "dataset": "d", "arch_index": 0, "seed": [0, 1], "synflow": [1.7e308] * 2})
    with np.errstate(over="ignore"):
        assert store.mean_scores(by_seed)["synflow"].to_list() == [None]


def test_status_has_a_row_per_class_seed_and_proxy(parts):
    status = pl.concat(store.score_status(NETWORKS, parts, SEEDS))
    assert status.height == 3 * 2 * 2
    assert_frame_equal(status, store.conform(status, "score_status", "here"))
    found = status.filter(proxy="naswot").select("class_index", "seed", "status").rows()
    assert found == [(0, 0, "ok"), (0, 1, "ok"), (1, 0, "ok"), (1, 1, "singular"), (2, 0, "nan"), (2, 1, "nan")]
    assert status["seconds"].sum() == 12 * 0.5


def test_missing_class_is_named(parts):
    with pytest.raises(TableError, match="lack 2 of 6 pairs of class and seed, first class 2, seed 0"):
        store.scores_by_seed(NETWORKS, {"forward": parts["forward"][:1]}, SEEDS)


def test_missing_seed_is_named(parts):
    with pytest.raises(TableError, match="lack 3 of 9 pairs of class and seed, first class 0, seed 2"):
        store.scores_by_seed(NETWORKS, {"synaptic_flow": parts["synaptic_flow"]}, [0, 1, 2])


def test_class_in_two_parts_is_named(parts):
    with pytest.raises(TableError, match="class 0, seed 0 more than once"):
        store.scores_by_seed(NETWORKS, {"forward": [*parts["forward"], parts["forward"][0]]}, SEEDS)


def test_a_part_of_fewer_proxies_is_named(parts):
    # One of a run that asked for fewer, which by the time of files alone nothing makes anew.
    first, second = parts["forward"]
    both = NASWOT_1.with_columns(other=1.0, other__status=pl.lit("ok"), other__seconds=pl.lit(0.5))
    store.write_part(both, second)
    for paths in ([first, second], [second, first]):
        with pytest.raises(TableError, match=r"0.parquet has no other, which .*1.parquet has.*Delete it, and run"):
            store.scores_by_seed(NETWORKS, {"forward": paths}, SEEDS)


def sampled(classes: int, seeds: list[int], proxy: str = "naswot") -> dict:
    return {proxy: {"classes": classes, "seeds": seeds}}


# Networks 3, 0, 1 and 2 drawn in this order; the last is of the same class as the second.
PLACED = NETWORKS.with_columns(sample_place=pl.Series([1, 2, 2, 0]))


def test_what_no_sample_asks_for_has_no_score_and_a_status_of_its_own(tmp_path):
    rows = [(0, 1, 12.0, "ok"), (2, 1, None, "singular")]
    store.write_part(part(rows), tmp_path / "sample.parquet")
    parts, samples = {"forward": [tmp_path / "sample.parquet"]}, sampled(2, [1])
    by_seed = store.scores_by_seed(PLACED, parts, SEEDS, samples)
    # Network 3 is in the sample, and cannot be scored; 1 is not, nor is 2, whose class is scored.
    assert by_seed["naswot"].to_list() == [None, 12.0, None, None, None, None, None, None]
    assert store.mean_scores(by_seed, samples)["naswot"].to_list() == [12.0, None, None, None]
    (status,) = store.score_status(PLACED, parts, SEEDS, samples)
    assert status.select("class_index", "seed", "status", "seconds").rows() == [
        (0, 0, "not_sampled", 0.0),
        (0, 1, "ok", 0.5),
        (1, 0, "not_sampled", 0.0),
        (1, 1, "not_sampled", 0.0),
        (2, 0, "not_sampled", 0.0),
        (2, 1, "singular", 0.5),
    ]
    assert_frame_equal(status, store.conform(status, "score_status", "here"))


def test_a_class_of_the_sample_that_is_missing_is_named(tmp_path):
    store.write_part(part([(0, 1, 12.0, "ok")]), tmp_path / "sample.parquet")
    with pytest.raises(TableError, match="lack 1 of 2 pairs of class and seed, first class 2, seed 1"):
        store.scores_by_seed(PLACED, {"forward": [tmp_path / "sample.parquet"]}, SEEDS, sampled(2, [1]))


def test_a_sample_of_nothing(tmp_path):
    store.write_part(part([]), tmp_path / "sample.parquet")
    by_seed = store.scores_by_seed(PLACED, {"forward": [tmp_path / "sample.parquet"]}, SEEDS, sampled(0, SEEDS))
    assert by_seed["naswot"].null_count() == by_seed.height == 8
    # An aggregate of terms that share no seed.
    assert store.mean_scores(by_seed, sampled(2, []))["naswot"].to_list() == [None] * 4


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (part([(0, 0, 1.0, "ok"), (0, 0, 1.0, "ok")]), "class_index and seed is there more than once"),
        (part([(0, 0, 1.0, "fine")]), "status 'fine'. Expected one of ok, singular, constant, overflow, nan"),
        (part([(0, 0, 1.0, "singular")]), "not a finite number exactly where its status is ok"),
        (part([(0, 0, None, "ok")]), "not a finite number exactly where its status is ok"),
        (part([(0, 0, float("inf"), "ok")]), "not a finite number exactly where its status is ok"),
    ],
)
def test_wrong_parts_are_not_written(frame, message, tmp_path):
    with pytest.raises(TableError, match=message):
        store.write_part(frame, tmp_path / "part.parquet")
    assert list(tmp_path.iterdir()) == []


def test_networks_table_of_a_whole_space_keeps_the_contract():
    space = spaces.get("tss")
    frame = store.networks_table(space, "digits", "drop", space.costs(spaces.Skeleton()))
    frame = store.conform(frame, "networks", "here")
    assert frame.height == 15_625
    # Network 0's parameters and network 3's cell as in NATS-Bench's archive.
    assert frame["params_m"][0] == 0.129306
    # The first two classes of every sample.
    first = space.random_classes("drop")[:2].tolist()
    assert frame.filter(pl.col("sample_place") < 2)["class_index"].unique().sort().to_list() == sorted(first)
    assert frame["arch"][3] == "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|skip_connect~2|"


class Scorer:
    """Scores by the proxies asked for, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []

    def __call__(self, names: list[str], classes: list[int], seed: int) -> pl.DataFrame:
        self.asked.append((names, classes, seed))
        scores = {name: len(name) + 100.0 * len(self.asked) for name in names}
        frames = [part([(c, seed, c + score, "ok") for c in classes], name) for name, score in scores.items()]
        return pl.concat([frames[0], *(frame.drop("class_index", "seed") for frame in frames[1:])], how="horizontal")


def update(path, score, settings="all the same", known=None, batches=None, classes=(0, 1), by="here", **versions):
    known = store.NOTHING if known is None else store.Known(known, ["there"])
    store.update_part(path, store.MadeWith(settings, versions, batches or {0: "a"}), score, classes, by, known)
    return store.read_parquet(path)


def test_a_further_proxy_computes_only_itself(tmp_path):
    score = Scorer()
    first = update(tmp_path / "0.parquet", score, snip=1)
    both = update(tmp_path / "0.parquet", score, fisher=1, snip=1)
    assert score.asked == [(["snip"], [0, 1], 0), (["fisher"], [0, 1], 0)]
    assert store.proxies_of(both) == ["fisher", "snip"]
    assert both.select(first.columns).equals(first)
    assert both["fisher"].to_list() == [206.0, 207.0]


def test_a_raised_version_computes_that_proxy_again(tmp_path):
    score = Scorer()
    update(tmp_path / "0.parquet", score, fisher=1, snip=1)
    update(tmp_path / "0.parquet", score, fisher=1, snip=2)
    assert score.asked[1:] == [(["snip"], [0, 1], 0)]


def test_nothing_is_computed_again_without_reason(tmp_path):
    score = Scorer()
    first = update(tmp_path / "0.parquet", score, fisher=1, snip=1)
    assert update(tmp_path / "0.parquet", score, fisher=1, snip=1).equals(first)
    assert update(tmp_path / "0.parquet", score, snip=1).equals(first.select(pl.exclude("^fisher.*$")))
    assert len(score.asked) == 1


def test_a_further_seed_computes_only_itself(tmp_path):
    score, path = Scorer(), tmp_path / "0.parquet"
    first = update(path, score, batches={1: "b"}, snip=1)
    both = update(path, score, batches={0: "a", 1: "b"}, snip=1)
    assert score.asked == [(["snip"], [0, 1], 1), (["snip"], [0, 1], 0)]
    assert both.select("class_index", "seed").rows() == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert both.filter(seed=1).equals(first)
    assert update(path, score, batches={1: "b"}, snip=1).equals(first)
    assert len(score.asked) == 2
    update(path, score, batches={1: "another"}, snip=1)
    assert score.asked[2:] == [(["snip"], [0, 1], 1)]


def test_further_classes_compute_only_themselves(tmp_path):
    score, path = Scorer(), tmp_path / "0.parquet"
    update(path, score, classes=[5, 2], snip=1)
    found = update(path, score, classes=[5, 2, 3], snip=1)
    assert score.asked == [(["snip"], [5, 2], 0), (["snip"], [3], 0)]
    assert found.rows() == [(2, 0, 106.0, "ok", 0.5), (3, 0, 207.0, "ok", 0.5), (5, 0, 109.0, "ok", 0.5)]


def test_what_is_known_is_not_computed(tmp_path):
    score, path = Scorer(), tmp_path / "0.parquet"
    known = part([(0, 0, 7.0, "ok"), (1, 0, None, "singular")], "snip")
    assert update(path, score, known=known, snip=1)["snip"].to_list() == [7.0, None]
    assert score.asked == []
    # Another proxy is computed of all classes; and a class that is not known.
    assert update(path, score, known=known, fisher=1, snip=1)["snip"].to_list() == [7.0, None]
    assert score.asked == [(["fisher"], [0, 1], 0)]
    found = update(path, score, "another device", known[1:], fisher=1, snip=1)
    # Of a class of which nothing is known, one pass feeds all proxies.
    assert score.asked[1:] == [(["fisher", "snip"], [0], 0), (["fisher"], [1], 0)]
    assert found["snip"].to_list() == [204.0, None] and found["snip__status"].to_list() == ["ok", "singular"]
    assert found["fisher"].to_list() == [206.0, 307.0]


def test_what_is_known_of_some_seeds_and_proxies(tmp_path):
    score, path = Scorer(), tmp_path / "0.parquet"
    known = part([(0, 0, 7.0, "ok"), (0, 1, 8.0, "ok"), (1, 1, None, None), (9, 0, 9.0, "ok")], "snip")
    found = update(path, score, known=known, batches={0: "a", 1: "b"}, snip=1)
    assert score.asked == [(["snip"], [1], 0), (["snip"], [1], 1)]
    assert found["snip"].to_list() == [7.0, 8.0, 105.0, 205.0]
    # An earlier file is taken first.
    assert update(path, score, known=known.with_columns(snip=1.0), batches={0: "a", 1: "b"}, snip=1).equals(found)
    assert len(score.asked) == 2


@pytest.mark.parametrize("earlier", ["other settings", "no metadata", "half a file", "damaged"])
def test_a_part_made_otherwise_is_made_anew(tmp_path, earlier):
    score, path = Scorer(), tmp_path / "0.parquet"
    if earlier == "other settings":
        update(path, score, settings="another device", snip=1)
    elif earlier == "no metadata":
        store.write_part(score(["snip"], [0, 1], 0), path)
    else:
        update(path, score, snip=1)
        whole = path.read_bytes()
        zeros = whole[:4] + bytes(60) + whole[64:]  # the footer is good
        path.write_bytes(zeros if earlier == "damaged" else whole[:100])
    assert update(path, score, fisher=1, snip=1)["snip"].to_list() == [204.0, 205.0]
    assert score.asked[1:] == [(["fisher", "snip"], [0, 1], 0)]


class StoppedError(Exception):
    """What stops a job."""


class StoppedScorer(Scorer):
    """Scores by one proxy until it has been asked for so many classes."""

    def __init__(self, n_steps: int) -> None:
        super().__init__()
        self.n_steps = n_steps

    def __call__(self, names: list[str], classes: list[int], seed: int) -> pl.DataFrame:
        if len(self.asked) == self.n_steps:
            raise StoppedError
        self.asked += [(index, seed) for index in classes]
        return part([(index, seed, 10.0 * index + seed, "ok") for index in classes], *names)


ALL = [(0, 7), (1, 7), (2, 7), (0, 8), (1, 8), (2, 8)]


@pytest.mark.parametrize(
    ("settings", "versions", "batches", "expected"),
    [
        ("the same", {"snip": 1}, {7: "a", 8: "b"}, ALL[4:]),
        ("the same", {"snip": 1}, {8: "b", 7: "a"}, ALL[4:]),
        ("the same", {"snip": 1}, {7: "b", 8: "b"}, ALL[:3] + ALL[4:]),
        ("other", {"snip": 1}, {7: "a", 8: "b"}, ALL),
        ("the same", {"snip": 2}, {7: "a", 8: "b"}, ALL),
        ("the same", {"fisher": 1}, {7: "a", 8: "b"}, ALL),
    ],
)
def test_a_stopped_job_goes_on_where_it_was(tmp_path, monkeypatch, settings, versions, batches, expected):
    monkeypatch.setattr("proxybank.store.progress.SECONDS", 0)  # every step is kept
    monkeypatch.setattr("proxybank.store.parts._STEP_SECONDS", 0)
    monkeypatch.setattr("proxybank.store.parts._SMALLEST_STEP", 1)
    path = tmp_path / "0.parquet"
    with pytest.raises(StoppedError):
        made_with = store.MadeWith("the same", {"snip": 1}, {7: "a", 8: "b"})
        store.update_part(path, made_with, StoppedScorer(4), range(3), "here")
    assert not path.exists()
    score = StoppedScorer(6)
    assert store.update_part(path, store.MadeWith(settings, versions, batches), score, range(3), "here") == [*versions]
    assert score.asked == expected
    assert store.read_parquet(path).to_series(2).to_list() == [7.0, 8.0, 17.0, 18.0, 27.0, 28.0]
    kept = Path(f"{path}.kept")
    assert sorted(tmp_path.iterdir()) == [path, kept] and kept.samefile(path)


def test_a_job_of_other_settings_that_is_stopped_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("proxybank.store.progress.SECONDS", 0)
    monkeypatch.setattr("proxybank.store.parts._SMALLEST_STEP", 1)
    path, score = tmp_path / "0.parquet", Scorer()
    first = update(path, score, snip=1)
    asked = list(score.asked)
    path.unlink()
    with pytest.raises(StoppedError):
        store.update_part(path, store.MadeWith("other", {"snip": 1}, {0: "a"}), StoppedScorer(1), [0, 1], "stopped")
    assert update(path, score, snip=1).equals(first) and score.asked == asked


def test_a_part_that_is_gone_is_not_computed_again(tmp_path, monkeypatch):
    # Snakemake removes it before the job that makes it runs again, and after one that fails.
    path, score = tmp_path / "0.parquet", Scorer()
    first = update(path, score, snip=1)
    path.unlink()
    assert update(path, score, snip=1).equals(first) and len(score.asked) == 1
    path.unlink()
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError))  # a file system without hard links
    update(path, score, snip=1)
    path.unlink()
    assert update(path, score, snip=1).equals(first) and len(score.asked) == 1


def test_what_is_there_comes_from_everywhere(tmp_path, monkeypatch):
    """Class 0 is known, class 1 in an earlier file, class 2 is done by a job that was stopped; of one seed."""
    monkeypatch.setattr("proxybank.store.progress.SECONDS", 0)
    monkeypatch.setattr("proxybank.store.parts._SMALLEST_STEP", 1)
    monkeypatch.setattr("proxybank.store.parts._STEP_SECONDS", 0)
    path, batches = tmp_path / "0.parquet", {0: "a", 1: "b"}
    known = part([(0, 0, 7.0, "ok")], "snip")
    update(path, Scorer(), classes=[1], snip=1)
    with pytest.raises(StoppedError):
        made_with = store.MadeWith("all the same", {"snip": 1}, {0: "a"})
        store.update_part(path, made_with, StoppedScorer(1), [1, 2, 3], "stopped")
    score = Scorer()
    found = update(path, score, known=known, batches=batches, classes=[0, 1, 2, 3], snip=1, fisher=1)
    assert score.asked == [
        *((["fisher"], [index], 0) for index in (0, 1, 2)),
        (["snip", "fisher"], [3], 0),
        *((["snip", "fisher"], [index], 1) for index in range(4)),
    ]
    assert found.filter(seed=0)["snip"].to_list()[:3] == [7.0, 105.0, 20.0]
    assert store.makers_of([path]) == ["here", "there", "stopped"]


def test_a_part_tells_what_computed_its_rows(tmp_path):
    score, path = Scorer(), tmp_path / "0.parquet"
    known = part([(0, 0, 7.0, "ok"), (1, 0, 8.0, "ok")], "snip")
    update(path, score, known=known, snip=1)
    assert store.makers_of([path]) == ["there"]  # here, nothing was computed
    update(path, score, fisher=1, snip=1)
    assert store.makers_of([path]) == ["there", "here"]
    update(path, score, by="elsewhere", fisher=1, snip=1)
    assert store.makers_of([path]) == ["there", "here"]
    update(path, score, by="elsewhere", fisher=2, snip=2)
    assert store.makers_of([path]) == ["elsewhere"]
    # Nothing is left to be filled from what is known.
    update(path, score, known=known, fisher=2, snip=2)
    assert store.makers_of([path]) == ["elsewhere"]


def test_steps_double_while_they_are_short(tmp_path):
    asked = []

    def score(names, classes, seed):
        asked.append(len(classes))
        return part([(index, seed, 1.0, "ok") for index in classes], *names)

    made_with = store.MadeWith("", {"snip": 1}, {0: "a", 1: "b"})
    store.update_part(tmp_path / "0.parquet", made_with, score, range(100), "here")
    assert asked == [8, 16, 32, 44] * 2

"""Official archives: what is read from them, against the published tables and the benchmark's own reader."""

import bz2
import errno
import pickle
import shutil
from pathlib import Path

import nats_bench
import polars as pl
import pytest
from archives import write_archive

from proxybank import spaces, store
from proxybank.errors import PickleError, TableError

TSS = spaces.get("tss")
SSS = spaces.get("sss")
NAMES = {"tss": "NATS-tss-v1_0-3ffb9-simple", "sss": "NATS-sss-v1_0-50262-simple"}
SOME = [0, 11, 284]
DATASETS = ("cifar10", "cifar100", "imagenet16-120")


def read(folder, space, dataset="cifar10", indexes=SOME):
    trainings = store.read_archive(folder, space, indexes)
    return store.archive_accuracies(trainings, space, dataset, dataset, folder.name)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("space", [TSS, SSS], ids=["tss", "sss"])
def test_official_entries_hold_what_the_tables_say(space, dataset, further_data):
    # The tables were published by others, to 4 to 6 digits; each of their columns on accuracy and time is compared.
    found = read(further_data / "natsbench/archives" / NAMES[space.name], space, dataset)
    seconds = {(row["arch_index"], row["split"], row["epochs"]): row["train_seconds"] for row in found.to_dicts()}
    n_compared = 0
    for path in (further_data / "natsbench").glob(f"{space.name}_*.csv"):
        for row in pl.read_csv(path).filter(pl.col("arch_index").is_in(SOME)).to_dicts():
            index = row["arch_index"]
            for column, value in row.items():
                if column.startswith(f"{dataset}_") and "_accuracy_" in column:
                    split, epochs = column.removeprefix(f"{dataset}_").split("_accuracy_")
                    ours = found.filter(arch_index=index, split=split, epochs=int(epochs))["accuracy_pct"].item()
                    assert ours == pytest.approx(value, abs=5.1e-5), column
                    n_compared += 1
                elif column == f"{dataset}_train_seconds_per_epoch":
                    assert seconds[index, "test", 200] / 200 == pytest.approx(value, abs=5.1e-5)
                    n_compared += 1
    # TSS: two accuracies at 12 epochs, and at 200 test, time and, except for CIFAR-10, valid; CIFAR-10 has its valid
    # accuracy at 12 epochs in both files. SSS: test, and valid of CIFAR-10.
    per_network = {"tss": 5, "sss": 2 if dataset == "cifar10" else 1}[space.name]
    assert n_compared == 3 * per_network
    assert found.height == 3 * 2 * {"tss": 2, "sss": 3}[space.name]
    store.conform(found, "accuracies", "here")


def test_the_cost_of_a_short_training(further_data):
    # The table has the training alone: 12 epochs on half of CIFAR-10. A search also pays for one validation, which took
    # 2.5489792369660877 seconds for network 0 (its entry, eval_times of x-valid).
    found = read(further_data / "natsbench/archives" / NAMES["tss"], TSS).filter(arch_index=0, split="valid", epochs=12)
    table = pl.read_csv(further_data / "natsbench/tss_accuracies.csv").filter(arch_index=0)
    expected = table["cifar10_short_training_seconds"].item() + 2.5489792369660877
    assert found["train_seconds"].item() == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize("space", [TSS, SSS], ids=["tss", "sss"])
def test_the_benchmarks_own_reader_says_the_same(space, further_data):
    folder = further_data / "natsbench/archives" / NAMES[space.name]
    api = nats_bench.create(str(folder), space.name, fast_mode=True, verbose=False)
    n_compared = 0
    for dataset, test, valid in (
        ("cifar10", "cifar10", "cifar10-valid"),
        ("cifar100", "cifar100", "cifar100"),
        ("imagenet16-120", "ImageNet16-120", "ImageNet16-120"),
    ):
        for row in read(folder, space, dataset).to_dicts():
            schedule = f"{row['epochs']:02d}"
            training = test if row["split"] == "test" else valid
            info = api.get_more_info(row["arch_index"], training, hp=schedule, is_random=False)
            seconds = info["train-all-time"] + (info["valid-per-time"] if row["split"] == "valid" else 0)
            assert row["accuracy_pct"] == pytest.approx(info[f"{row['split']}-accuracy"], rel=1e-12)
            assert row["train_seconds"] == pytest.approx(seconds, rel=1e-12)
            n_compared += 1
    assert n_compared == 3 * 3 * 2 * (2 if space is TSS else 3)


def test_every_seed_is_kept(further_data):
    trainings = store.read_archive(further_data / "natsbench/archives" / NAMES["tss"], TSS, [11])
    rows = trainings.filter(dataset="cifar10", split="valid")
    # As the entry of network 11 lists them.
    assert rows.filter(epochs=12)["seed"].to_list() == [111, 777]
    assert rows.filter(epochs=200)["seed"].to_list() == [777, 888, 999]
    assert trainings.filter(dataset="cifar10", split="test", epochs=12)["seed"].to_list() == [111]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Write wide tables of made-up accuracies for the first networks of both spaces."""
    folder = tmp_path_factory.mktemp("tables")
    for space, epochs in ((TSS, 200), (SSS, 90)):
        columns = {f"{name}_{split}_accuracy_{epochs}": 40.0 for name in DATASETS for split in ("test", "valid")}
        frame = pl.DataFrame({"arch_index": range(3), "arch": space.arch_strings[:3], **columns})
        frame.with_columns((pl.col(name) + 10 * pl.col("arch_index") + k) for k, name in enumerate(columns)).write_csv(
            folder / f"{space.name}.csv"
        )
    return folder


@pytest.fixture
def archive(tables, tmp_path):
    """Folder of an archive of three networks of the topology space."""
    write_archive(tmp_path / NAMES["tss"], TSS, [tables / "tss.csv"])
    return tmp_path / NAMES["tss"]


@pytest.mark.parametrize("space", [TSS, SSS], ids=["tss", "sss"])
def test_archives_built_from_tables_give_the_tables_back(space, tables, tmp_path):
    folder = tmp_path / NAMES[space.name]
    write_archive(folder, space, [tables / f"{space.name}.csv"])
    trainings = store.read_archive(folder, space, range(3))
    epochs = 200 if space is TSS else 90
    # By the formula above: 40 + 10 * network + column.
    for k, (name, split) in enumerate((name, split) for name in DATASETS for split in ("test", "valid")):
        rows = store.archive_accuracies(trainings, space, name, "mine", "s").filter(split=split, epochs=epochs)
        assert rows["accuracy_pct"].to_list() == pytest.approx([40 + k, 50 + k, 60 + k])
        assert rows.select("space", "dataset", "source").unique().rows() == [(space.name, "mine", "s")]
    api = nats_bench.create(str(folder), space.name, fast_mode=True, verbose=False)
    info = api.get_more_info(2, "cifar100", hp=str(epochs), is_random=False)
    assert info["test-accuracy"] == pytest.approx(62)


def test_files_that_are_missing(archive, tmp_path):
    with pytest.raises(
        TableError,
        match=r"simple: 15622 of 15626 files are missing, the first is 000003.pickle.pbz2. Expected the folder NATS-.*"
        r"Unpack it again; https://github.com/D-X-Y/NATS-Bench says where to get it.$",
    ):
        store.check_archive(archive, TSS)
    (archive / "000000.pickle.pbz2").rename(archive / "0.pickle.pbz2")
    with pytest.raises(
        TableError, match=r"first is 000000.pickle.pbz2; 1 files have other names, the first is 0.pickle"
    ):
        store.check_archive(archive, TSS)
    for index in range(TSS.size):
        (archive / f"{index:06d}.pickle.pbz2").touch()
    store.check_archive(archive, TSS)
    with pytest.raises(PickleError, match="000000.pickle.pbz2: found no end of the compressed data"):
        store.read_archive(archive, TSS)
    (archive / "meta.pickle.pbz2").unlink()
    with pytest.raises(TableError, match=r"1 of 15626 files are missing, the first is meta.pickle.pbz2"):
        store.check_archive(archive, TSS)
    with pytest.raises(
        TableError, match="nothing: there is no such folder. Expected the folder NATS-tss-v1_0-3ffb9-si"
    ):
        store.check_archive(tmp_path / "nothing", TSS)
    with pytest.raises(TableError, match="000001.pickle.pbz2: this is a file. Expected the folder"):
        store.check_archive(archive / "000001.pickle.pbz2", TSS)


def test_a_folder_that_may_not_be_read(archive, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(TableError, match=f"^{archive}: Permission denied. .*, readable. Change its permissions.$"):
        store.check_archive(archive, TSS)


def test_the_archive_of_another_space(archive):
    with pytest.raises(
        TableError, match="meta.pickle.pbz2: its list of networks is not that of sss. Expected NATS-Ben"
    ):
        store.read_archive(archive, SSS, [0])
    (archive / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps([1])))
    with pytest.raises(TableError, match="meta.pickle.pbz2: its list of networks is not that of tss"):
        store.read_archive(archive, TSS, [0])


def changed(change):
    """Bytes of an entry of network 0 with one thing changed."""

    def apply(folder):
        path = folder / "000000.pickle.pbz2"
        entry = pickle.loads(bz2.decompress(path.read_bytes()))
        entry = change(entry) or entry
        path.write_bytes(bz2.compress(pickle.dumps(entry)))

    return apply


def trained(entry):
    return entry["200"]["all_results"]["cifar100", 888]


BAD = {
    "other network": (
        lambda folder: shutil.copy(folder / "000001.pickle.pbz2", folder / "000000.pickle.pbz2"),
        "it is",
    ),
    "path": (changed(lambda entry: entry.update({"200": "elsewhere"})), "TypeError, what was trained 200 epochs is no"),
    "no dictionary": (changed(lambda entry: [entry]), "TypeError"),
    "schedule": (changed(lambda entry: entry.pop("12") and None), "KeyError, '12'"),
    "dataset": (changed(lambda entry: entry["200"]["dataset_seed"].pop("cifar100") and None), "KeyError, 'cifar100'"),
    "seed": (changed(lambda entry: entry["200"]["all_results"].pop(("cifar100", 888)) and None), "KeyError"),
    "last epoch": (
        changed(lambda entry: trained(entry)["eval_acc1es"].pop("x-test@199") and None),
        "KeyError, 'x-test@199'",
    ),
    "epochs": (changed(lambda entry: trained(entry).update(epochs=100)), "cifar100 was trained 100 epochs, not 200"),
    "no percent": (
        changed(lambda entry: trained(entry)["eval_acc1es"].update({"x-test@199": 101.0})),
        "accuracy 101.0 of cifar100, test, 200 epochs",
    ),
    "no number": (changed(lambda entry: trained(entry)["eval_acc1es"].update({"x-test@199": "9"})), "TypeError"),
    "nan": (
        changed(lambda entry: trained(entry)["eval_acc1es"].update({"x-test@199": float("nan")})),
        "accuracy nan of cifar100",
    ),
    "method": (changed(lambda entry: trained(entry).update(get_eval=3)), "TypeError, 'int' object is not callable"),
}


@pytest.mark.parametrize(("damage", "message"), BAD.values(), ids=BAD)
def test_entries_that_are_not_what_they_should_be(damage, message, archive):
    damage(archive)
    with pytest.raises(
        TableError, match=f"000000.pickle.pbz2: this is no entry of NATS-Bench: .*{message}.*Expected net"
    ):
        store.read_archive(archive, TSS, [0])


def test_truncated_and_malicious_entries(archive, tmp_path):
    path = archive / "000001.pickle.pbz2"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PickleError, match="000001.pickle.pbz2: found no end of the compressed data"):
        store.read_archive(archive, TSS, [0, 1, 2])
    entry = pickle.loads(bz2.decompress(whole))

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "called"), "w"))

    trained(entry)["latency"] = [Evil()]
    path.write_bytes(bz2.compress(pickle.dumps(entry)))
    with pytest.raises(PickleError, match=r"000001.pickle.pbz2: refused, it asks for (_?io)\.open"):
        store.read_archive(archive, TSS, [0, 1, 2])
    assert not (tmp_path / "called").exists()
    # A text where nats_bench takes one for a path, and unpickles the file there.
    (tmp_path / "evil.pbz2").write_bytes(bz2.compress(pickle.dumps(Evil())))
    path.write_bytes(bz2.compress(pickle.dumps({"12": str(tmp_path / "evil"), "200": {}})))
    with pytest.raises(TableError, match="000001.pickle.pbz2: .* what was trained 12 epochs is no dictionary"):
        store.read_archive(archive, TSS, [0, 1, 2])
    assert not (tmp_path / "called").exists()
    path.write_bytes(whole)
    assert store.read_archive(archive, TSS, [0, 1, 2]).height


def test_times_that_are_unknown(archive):
    changed(lambda entry: [run.update(train_times=None) for run in entry["12"]["all_results"].values()] and None)(
        archive
    )
    rows = store.archive_accuracies(store.read_archive(archive, TSS, [0]), TSS, "cifar10", "mine", "s")
    assert rows.filter(epochs=12)["train_seconds"].to_list() == [None, None]
    assert rows.filter(epochs=200)["train_seconds"].null_count() == 0


def test_processes_side_by_side_read_the_same_and_say_what_is_wrong(archive, monkeypatch):
    monkeypatch.setattr("proxybank.store.archives._FILES", 2)  # networks 0 and 1 for one process, 2 for the other
    assert store.read_archive(archive, TSS, range(3), processes=2).equals(store.read_archive(archive, TSS, range(3)))
    (archive / "000002.pickle.pbz2").write_bytes(b"BZh9")
    with pytest.raises(PickleError, match="000002.pickle.pbz2: found no end of the compressed data"):
        store.read_archive(archive, TSS, range(3), processes=2)

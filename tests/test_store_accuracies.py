"""Reading a user's accuracies: what is read, and what is said about tables that cannot be."""

import errno

import polars as pl
import pytest

from proxybank import spaces, store
from proxybank.errors import TableError

TSS = spaces.get("tss")
SSS = spaces.get("sss")


@pytest.fixture
def csv(tmp_path):
    def write(text: str, name: str = "truth.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


LONG = "arch_index,split,epochs,accuracy_pct,train_seconds\n"


def test_columns_without_a_name_and_blank_lines_are_passed_over(tmp_path):
    # As spreadsheets leave them.
    (tmp_path / "t.csv").write_text("\narch_index,split,epochs,accuracy_pct,,\n7,test,200,90,,\n")
    assert store.read_accuracies(tmp_path / "t.csv", spaces.get("tss"), "digits")["accuracy_pct"].to_list() == [90]


def test_long_form(csv):
    found = store.read_accuracies(csv(LONG + "7,valid,12,50.5,\n9,test,200,91,30\n7,test,200,90,20\n"), TSS, "digits")
    assert found.columns == [column.name for column in store.TABLES["accuracies"].columns]
    assert found.rows() == [
        ("tss", "digits", 7, "test", 200, 90.0, 20.0, "truth.csv"),
        ("tss", "digits", 9, "test", 200, 91.0, 30.0, "truth.csv"),
        ("tss", "digits", 7, "valid", 12, 50.5, None, "truth.csv"),
    ]
    store.conform(found, "accuracies", "here")


def test_long_form_by_architecture_without_seconds(csv):
    # 8:8:8:8:16 is the second size, 64:64:64:64:64 the last of 8 ** 5.
    found = store.read_accuracies(
        csv("arch,split,epochs,accuracy_pct\n64:64:64:64:64,test,90,80\n8:8:8:8:16,test,90,70\n"), SSS, "digits"
    )
    assert found.select("arch_index", "accuracy_pct", "train_seconds").rows() == [(1, 70.0, None), (32_767, 80.0, None)]


def test_accuracies_of_other_images_are_refused(csv):
    rows = "dataset,arch_index,split,epochs,accuracy_pct\nmine,7,test,200,90\n"
    assert store.read_accuracies(csv(rows), TSS, "mine").height == 1
    with pytest.raises(TableError, match=r"truth.csv: column dataset has digits in 1 of 2 rows. Expected mine"):
        store.read_accuracies(csv(rows + "digits,8,test,200,90\n"), TSS, "mine")
    with pytest.raises(TableError, match=r"column space has sss in 1 of 1 rows. Expected tss"):
        store.read_accuracies(csv("space,arch_index,split,epochs,accuracy_pct\nsss,7,test,200,90\n"), TSS, "mine")


def test_wide_form(csv):
    measurements = [
        {"split": "test", "epochs": 200, "accuracy": "final", "train_seconds_per_epoch": "s"},
        {"split": "valid", "epochs": 12, "accuracy": "short", "train_seconds": "cost"},
        {"split": "test", "epochs": 12, "accuracy": "short"},
    ]
    found = store.read_accuracies(csv("arch_index,final,short,s,cost\n3,90,60,2,21\n"), TSS, "c10", measurements)
    assert found.select("split", "epochs", "accuracy_pct", "train_seconds").rows() == [
        ("test", 12, 60.0, None),
        ("test", 200, 90.0, 400.0),
        ("valid", 12, 60.0, 21.0),
    ]


def test_measurements_from_several_files(csv):
    csv("arch,short,final\n8:8:8:8:16,50,1\n8:8:8:8:8,40,2\n", "other.csv")
    path = csv("arch_index,final,s\n0,80,2\n2,70,4\n1,90,3\n")
    other = path.with_name("other.csv")
    measurements = [
        {"split": "valid", "epochs": 12, "accuracy": "short", "train_seconds_per_epoch": "s"},
        {"split": "test", "epochs": 90, "accuracy": "final", "train_seconds": "s"},
    ]
    # Both have a column `final`: the first file counts.
    found = store.read_accuracies(path, SSS, "c10", measurements, [other])
    assert found.select("arch_index", "split", "epochs", "accuracy_pct", "train_seconds", "source").rows() == [
        (0, "test", 90, 80.0, 2.0, "truth.csv"),
        (1, "test", 90, 90.0, 3.0, "truth.csv"),
        (2, "test", 90, 70.0, 4.0, "truth.csv"),
        (0, "valid", 12, 40.0, 24.0, "other.csv"),
        (1, "valid", 12, 50.0, 36.0, "other.csv"),
    ]
    # The other way round, the seconds of network 2 are there, but no accuracy of it.
    found = store.read_accuracies(other, SSS, "c10", measurements, [path])
    assert found.filter(split="test").select("arch_index", "accuracy_pct", "train_seconds").rows() == [
        (0, 2.0, 2.0),
        (1, 1.0, 3.0),
    ]
    # A network that the file of seconds lacks has none.
    seconds = csv("arch_index,s\n1,3\n", "seconds.csv")
    found = store.read_accuracies(other, SSS, "c10", measurements[:1], [seconds])
    assert found["train_seconds"].to_list() == [None, 36.0]
    csv("arch_index,s\n0,3\n1,inf\n", "seconds.csv")
    with pytest.raises(TableError, match="seconds.csv: column s, row 2: found inf. Expected seconds from 0"):
        store.read_accuracies(other, SSS, "c10", measurements[:1], [seconds])
    csv("arch_index,s\n1,3\n1,4\n", "seconds.csv")
    with pytest.raises(TableError, match="seconds.csv: network 1 stands there more than once. Expected one row each"):
        store.read_accuracies(other, SSS, "c10", measurements[:1], [seconds])


def test_mistakes_in_several_files(csv):
    path, other = csv("arch_index,final\n0,80\n1,90\n"), csv("arch_index,short\n1,101\n", "other.csv")
    final, short = ({"split": "test", "epochs": 90, "accuracy": name} for name in ("final", "short"))
    with pytest.raises(TableError, match=r"^[^:]*other.csv: network 1 \(row 1\) have an accuracy of 101"):
        store.read_accuracies(path, SSS, "c10", [final, short], [other])
    csv("arch_index,short\n1,99\n", "other.csv")
    with pytest.raises(
        TableError, match=r"split test after 90 epochs come from other.csv and truth.csv. Expected them"
    ):
        store.read_accuracies(path, SSS, "c10", [final, short], [other])
    with pytest.raises(TableError, match=r"truth.csv: there is no column 'shrt'\. Found: arch_index, final"):
        store.read_accuracies(path, SSS, "c10", [final | {"accuracy": "shrt"}], [other])
    csv("arch_index,short\n1,99\n1,98\n", "other.csv")
    with pytest.raises(TableError, match=r"other.csv: network 1 \(rows 1, 2\) appear more than once"):
        store.read_accuracies(path, SSS, "c10", [short], [other])


def test_long_tables_are_put_together(csv):
    path = csv(LONG + "7,test,200,90,20\n")
    other = csv("arch_index,split,epochs,accuracy_pct\n7,valid,200,91\n6,test,200,80\n", "other.csv")
    found = store.read_accuracies(path, TSS, "digits", further_paths=[other])
    assert found.select("arch_index", "split", "accuracy_pct", "train_seconds", "source").rows() == [
        (6, "test", 80.0, None, "other.csv"),
        (7, "test", 90.0, 20.0, "truth.csv"),
        (7, "valid", 91.0, None, "other.csv"),
    ]
    with pytest.raises(
        TableError, match="other.csv and truth.csv. Expected them once. Remove them from one of the two"
    ):
        csv("arch_index,split,epochs,accuracy_pct\n7,test,200,91\n", "other.csv")
        store.read_accuracies(path, TSS, "digits", further_paths=[other])


def test_parquet_reads_like_csv(csv, tmp_path):
    path = csv(LONG + "7,test,200,90,20\n9,test,200,91.5,30\n")
    pl.read_csv(path).cast({"arch_index": pl.Int32}).write_parquet(tmp_path / "truth.parquet")
    found = store.read_accuracies(tmp_path / "truth.parquet", TSS, "digits")
    assert found.drop("source").equals(store.read_accuracies(path, TSS, "digits").drop("source"))


NO_LONG = (
    r"found columns arch_index, split, epoch, accuracy_pct\. Expected split, .* Did you mean 'epoch'\? Or, for one"
)
BAD_LONG = {
    "no columns": (
        "arch_index,best\n1,2\n",
        r"found columns arch_index, best\. Expected split, epochs and accuracy_pct",
    ),
    "one column": ("arch_index,split,epoch,accuracy_pct\n1,test,2,3\n", NO_LONG),
    "no network": ("network,split,epochs,accuracy_pct\n1,test,2,3\n", "no column names the networks"),
    "empty": ("", "cannot be read as a csv table"),
    "no rows": (LONG, "the table has no rows"),
    "a column twice": (
        LONG.strip() + ",accuracy_pct\n7,test,200,90,1,80\n",
        "found more than one column 'accuracy_pct'. Expected one. Rename or drop the others",
    ),
    "ragged": (
        LONG + "1,test,200,90,1,2,3\n",
        "cannot be read as a csv table: found more fields than defined in 'Schema'. Expected commas between fields",
    ),
    "too large": (
        LONG + f"1,test,200,{10**50},1\n",
        "cannot be read as a csv table: could not parse `1000+` as .*4\\). Expected commas",
    ),
    "duplicate": (
        LONG + "7,test,200,90,1\n8,test,200,90,1\n7,test,200,91,1\n",
        r"network 7 \(rows 1, 3\) appear more than once for the same split and epochs",
    ),
    "unknown index": (LONG + "7,test,2,90,1\n15625,test,2,9,1\n", r"row 2: tss has no network 15625.* from 0 to 15624"),
    "index beyond 64 bits": (LONG + f"{10**25},test,2,90,1\n", f"row 1: tss has no network {10**25}. Expected"),
    "negative index": (LONG + "-1,test,2,90,1\n", "row 1: tss has no network -1"),
    "text index": (LONG + "one,test,2,90,1\n", "column arch_index holds String values. Expected whole numbers"),
    "unknown arch": (
        "arch,split,epochs,accuracy_pct\n|mor_conv_3x3~0|,test,2,90\n",
        r"row 1: '\|mor_conv_3x3~0\|' is no architecture of tss. Expected a string like '\|avg_pool_3x3~0\|\+",
    ),
    "number for arch": ("arch,split,epochs,accuracy_pct\n5,test,2,90\n", "arch holds Int64 values. Expected text"),
    "no arch": ("arch,split,epochs,accuracy_pct\n,test,2,90\n", "row 1: 'None' is no architecture of tss"),
    "split": (LONG + "7,train,200,90,1\n", "row 1: split is 'train'. Expected test or valid"),
    "no split": (LONG + "7,,200,90,1\n", "row 1: split is 'None'"),
    "number for split": (LONG + "7,1,200,90,1\n", "column split holds Int64 values. Expected text"),
    "epochs": (LONG + "7,test,2,90,1\n7,test,0,90,1\n", "row 2: epochs is 0. Expected a positive whole number"),
    "no epochs": (LONG + "7,test,,90,1\n8,test,2,90,1\n", "row 1: epochs is None"),
    "epochs beyond 64 bits": (LONG + f"7,test,{10**23},90,1\n", f"epochs is {10**23}. Expected .* at most 64 bits"),
    "fractions of epochs": (LONG + "7,test,1.5,90,1\n", "column epochs holds Float64 values. Expected whole numbers"),
    "above 100": (LONG + "7,test,2,90,1\n8,test,2,101,1\n", r"network 8 \(row 2\) have an accuracy of 101.* 0 to 100"),
    "negative": (LONG + "7,test,2,-1,1\n8,test,2,11,1\n", "an accuracy of -1"),
    "fraction": (
        LONG + "7,test,2,0.9,1\n8,test,2,0.91,1\n",
        "no accuracy is above 0.91. Expected percent, not fractions",
    ),
    "fractions beside percent": (
        LONG + "7,test,2,90,1\n7,valid,2,0.9,1\n",
        "no accuracy is above 0.9. Expected percent",
    ),
    "null": (LONG + "7,test,2,90,1\n8,test,2,,1\n", r"network 8 \(row 2\) have no accuracy"),
    "nan": (LONG + "7,test,2,90,1\n8,test,2,NaN,1\n", r"network 8 \(row 2\) have no accuracy"),
    "text": (LONG + "7,test,2,90,1\n8,test,2,n/a,1\n", "column accuracy_pct, row 2: 'n/a'. Expected numbers"),
    "seconds": (
        LONG + "7,test,2,90,\n8,test,2,90,-1\n",
        r"column train_seconds, row 2: found -1\. Expected seconds from 0, and nothing where",
    ),
    "infinite seconds": (LONG + "7,test,2,90,inf\n", "column train_seconds, row 1: found inf. Expected seconds from 0"),
}


@pytest.mark.parametrize(("text", "message"), BAD_LONG.values(), ids=BAD_LONG)
def test_bad_tables_get_one_message(text, message, csv):
    with pytest.raises(TableError, match=r"truth\.csv: .*" + message):
        store.read_accuracies(csv(text), TSS, "digits")


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("accuracy_pct", pl.lit([90.0]), r"List\(Float64\) values. Expected numbers"),
        ("accuracy_pct", pl.lit(b"\xff"), "Binary values. Expected numbers"),
        ("train_seconds", pl.lit(True), "Boolean values. Expected numbers"),
        ("arch", pl.lit(["a"]), r"List\(String\) values. Expected text"),
        ("split", pl.lit(b"test"), "Binary values. Expected text"),
    ],
)
def test_columns_of_other_types_are_refused(column, value, found, tmp_path):
    table = pl.DataFrame({"arch_index": [7], "split": ["test"], "epochs": [2], "accuracy_pct": [90.0]})
    table.with_columns(value.alias(column)).write_parquet(tmp_path / "truth.parquet")
    with pytest.raises(TableError, match=rf"truth\.parquet: column {column} holds {found}"):
        store.read_accuracies(tmp_path / "truth.parquet", TSS, "digits")


def test_many_bad_rows_are_cut_short(csv):
    rows = "".join(f"{7 if row % 2 else 8},test,200,{row},\n" for row in range(20))
    with pytest.raises(TableError, match=r"networks 8, 7 \(rows 1, 2, 3, 4, 5 and 15 more\)"):
        store.read_accuracies(csv(LONG + rows), TSS, "digits")


def test_index_and_architecture_must_agree(csv):
    arch = TSS.arch_strings
    text = f"arch_index,arch,split,epochs,accuracy_pct\n5,{arch[5]},test,2,90\n6,{arch[9]},test,2,90\n"
    with pytest.raises(TableError, match="row 2: arch_index is 6, but arch is network 9 in the official order"):
        store.read_accuracies(csv(text), TSS, "digits")


def test_measurement_of_a_column_that_is_not_there(csv):
    measurements = [{"split": "test", "epochs": 200, "accuracy": "test_acc"}]
    with pytest.raises(
        TableError, match=r"no column 'test_acc'\. Did you mean 'test_accuracy'\? Found: arch_index, test_a"
    ):
        store.read_accuracies(csv("arch_index,test_accuracy\n1,2\n"), TSS, "digits", measurements)


def test_a_file_that_may_not_be_read(csv, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    path = csv("arch_index,test_accuracy\n1,2\n")
    monkeypatch.setattr(pl, "read_csv", refuse)
    with pytest.raises(TableError, match=f"^{path}: Permission denied. Expected a readable file. Change its perm"):
        store.read_accuracies(path, TSS, "digits")


def test_missing_file_and_unknown_format(tmp_path):
    with pytest.raises(TableError, match=r"truth\.csv: there is no such file"):
        store.read_accuracies(tmp_path / "truth.csv", TSS, "digits")
    (tmp_path / "truth.xlsx").touch()
    with pytest.raises(TableError, match=r"ending in '\.xlsx'\. Expected \.csv or \.parquet"):
        store.read_accuracies(tmp_path / "truth.xlsx", TSS, "digits")
    (tmp_path / "truth.parquet").write_bytes(b"nothing")
    with pytest.raises(TableError, match="cannot be read as a parquet table"):
        store.read_accuracies(tmp_path / "truth.parquet", TSS, "digits")


def test_nats_bench_topologies(shared_data):
    measurements = [
        {
            "split": "test",
            "epochs": 200,
            "accuracy": "imagenet16-120_test_accuracy_200",
            "train_seconds_per_epoch": "imagenet16-120_train_seconds_per_epoch",
        },
        {"split": "valid", "epochs": 12, "accuracy": "cifar10_valid_accuracy_12"},
    ]
    found = store.read_accuracies(shared_data / "natsbench" / "tss_accuracies.csv", TSS, "imagenet16-120", measurements)
    assert found.height == 2 * 15_625
    final = store.final_accuracies(found)
    assert round(final["accuracy_pct"].max(), 2) == 47.31  # FreeREA's table 3: the optimum
    assert found.filter(arch_index=0, split="test")["train_seconds"].item() == pytest.approx(200 * 43.8176)


def test_nats_bench_sizes(shared_data):
    measurements = [{"split": "test", "epochs": 90, "accuracy": "cifar100_test_accuracy_90"}]
    found = store.read_accuracies(shared_data / "natsbench" / "sss_accuracies.csv", SSS, "cifar100", measurements)
    assert found.height == 32_768
    assert found["accuracy_pct"].max() == pytest.approx(71.34, abs=0.005)  # the largest of the column

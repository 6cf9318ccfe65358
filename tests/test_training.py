"""Training of bundles against single networks, and on real images."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
import torch.nn.functional as F

from proxybank import data, networks, spaces, store, truth
from proxybank.errors import ImageError
from proxybank.store import progress
from proxybank.truth import training
from proxybank.truth.training import Bundle, of_batch

INIT = "kaiming_normal_fan_out"
SCHEDULE = truth.Schedule(epochs=4, batch_size=50, learning_rate=0.3, momentum=0.9, weight_decay=5e-4)
DIGITS = data.load("digits")
SKELETON = DIGITS.skeleton(stem_width=8, cells_per_stage=1)


@pytest.fixture(scope="module")
def split():
    parts = data.partition(DIGITS, 100, 200)
    indexes = {"train": parts.train, "valid": parts.valid, "test": parts.test}
    return truth.Split(
        {name: torch.from_numpy(DIGITS.standardised(index)) for name, index in indexes.items()},
        {name: torch.from_numpy(DIGITS.labels[index]) for name, index in indexes.items()},
    )


def members(space, index):
    return networks.members(space, spaces.get(space).scored_genes("drop")[index], SKELETON)


@pytest.mark.parametrize(("space", "index"), [("tss", range(0, 15_625, 1500)), ("sss", [12_345])])
def test_a_bundle_computes_what_its_networks_do(space, index, split):
    chosen = members(space, list(index))
    images = split.images["train"]
    with torch.no_grad():
        together = Bundle(chosen, INIT, seed=1).logits(images, of_batch)
        for network, logits in zip(chosen, together, strict=True):
            alone = networks.forward(network, networks.draw(network, INIT, 1), images).logits
            torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("momentum", [0.9, 0])
def test_training_is_plain_gradient_descent(momentum, split, monkeypatch):
    """Written out: two epochs of two batches of 40, with what is left of 100 images out, Nesterov's way of momentum.

    The learning rate falls along half a cosine, which is at 1, (1 + sqrt(1/2)) / 2, 1/2 and (1 - sqrt(1/2)) / 2. In
    float64, since a ReLU that rounding turns around makes another gradient.
    """
    (network,) = members("tss", [1])
    split = truth.Split({name: images.double() for name, images in split.images.items()}, split.labels)
    bundles, original = [], Bundle.__init__

    def in_double(self, *arguments, **named):
        original(self, *arguments, **named)
        self.parameters = {name: weight.detach().double().requires_grad_() for name, weight in self.parameters.items()}
        bundles.append(self)

    monkeypatch.setattr(Bundle, "__init__", in_double)
    schedule = truth.Schedule(epochs=2, batch_size=40, learning_rate=0.1, momentum=momentum, weight_decay=1e-2)
    bundle = Bundle([network], INIT, seed=0)
    parameters = bundle.parameters.values()
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    order = np.random.default_rng([0, 0])
    batches = [part for _ in range(2) for part in np.split(order.permutation(100), [40, 80])[:2]]
    for batch, rate in zip(batches, 0.05 + 0.05 * np.cos(np.pi * np.arange(4) / 4), strict=True):
        logits = bundle.logits(split.images["train"][batch], of_batch)[0]
        gradients = torch.autograd.grad(F.cross_entropy(logits, split.labels["train"][batch]), list(parameters))
        with torch.no_grad():
            for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
                gradient = gradient + 1e-2 * parameter
                velocity.mul_(momentum).add_(gradient)
                parameter -= rate * (gradient + momentum * velocity)
    truth.train([network], split, schedule, seed=0)
    for name, expected in bundle.parameters.items():
        torch.testing.assert_close(bundles[1].parameters[name], expected, rtol=1e-9, atol=1e-12)


def test_companions_and_their_number_hardly_change_an_accuracy(split):
    chosen = members("tss", [1, 5, 77, 4000])
    together = truth.train(chosen, split, SCHEDULE, seed=0).accuracy_pct["test"]
    alone = [truth.train([network], split, SCHEDULE, seed=0).accuracy_pct["test"][0] for network in chosen]
    # Rounding differs with the width of a grouped convolution, and training magnifies it a little.
    np.testing.assert_allclose(together, alone, atol=3)


def test_training_learns_and_repeats_itself(split):
    chosen = members("tss", [1, 4000])
    first = truth.train(chosen, split, SCHEDULE, seed=0)
    again = truth.train(chosen, split, SCHEDULE, seed=0)
    assert first.accuracy_pct["test"].tolist() == again.accuracy_pct["test"].tolist()
    assert (first.accuracy_pct["test"] > 40).all()  # guessing gives 10
    pathless = truth.train(
        members("tss", np.flatnonzero(~spaces.get("tss").scored_genes("drop").any(axis=1))[:1]), split, SCHEDULE, 0
    )
    assert pathless.accuracy_pct["test"][0] < 15
    assert first.seconds > 0


KEY = ["class_index", "seed", "split"]
TRAINING = {**vars(SCHEDULE), "train_images": 100, "valid_images": 597, "epochs": 1, "seeds": [0, 1]}
del TRAINING["initialisation"]


def trained(chosen, done=None):
    """Train sizes by their classes; one frame for each bundle and seed."""
    genes = spaces.get("sss").class_genes("drop")[chosen]
    return truth.train_classes(chosen, genes, "sss", DIGITS, DIGITS.skeleton(), TRAINING, done)


def test_parts_join_to_the_whole():
    whole, *parts = (
        pl.concat(trained(truth.classes_to_train("sss", "drop", [8, 64])[part]))
        .drop("train_seconds")
        .sort("class_index", "seed", "split")
        for part in (slice(4), slice(2), slice(2, 4))
    )
    assert pl.concat(parts).equals(whole)
    assert whole.shape[0] == 4 * 2 * 2  # networks, seeds, splits
    assert whole["class_index"].unique().to_list() == [0, 7, 56, 63]  # widths 8 and 64 of the last two layers
    assert whole["accuracy_pct"].is_between(0, 100).all()


def test_training_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    chosen = truth.classes_to_train("sss", "drop", [8, 64])[:4]
    whole = list(trained(chosen))
    assert len(whole) == 2 * 4  # bundles of equal widths, which are single networks here, and two seeds
    monkeypatch.setattr(progress, "SECONDS", 0)  # every bundle goes to the file
    stopped = store.Progress(tmp_path / "0.parquet", {"a": 1}, KEY)
    for rows in whole[:3]:
        stopped.add(rows)
    resumed = store.Progress(tmp_path / "0.parquet", {"a": 1}, KEY)
    assert resumed.rows.equals(pl.concat(whole[:3]))
    rest = list(trained(chosen, resumed.rows))
    for found, expected in zip(rest, whole[3:], strict=True):
        assert found.drop("train_seconds").equals(expected.drop("train_seconds"))
        resumed.add(found)
    resumed.keep()
    again = store.Progress(tmp_path / "0.parquet", {"a": 1}, KEY)
    assert not list(trained(chosen, again.rows))
    again.add(rest[0])  # the same network and seed once more
    assert again.rows.height == resumed.rows.height == sum(rows.height for rows in whole)


def test_networks_side_by_side_are_as_many_as_memory_allows():
    def sizes(side, n_images=1000, **settings):
        skeleton = spaces.Skeleton(image_side=side, **settings)
        genes = spaces.get("tss").class_genes("drop")[:40]
        found = truth.bundles(networks.members("tss", genes, skeleton), n_images, 50)
        return [piece.stop - piece.start for piece in found]

    assert sizes(8, stem_width=8, cells_per_stage=1) == [16, 16, 8]
    # NATS-Bench's widths on 32 pixels, 18 maps for each layer: 5 of 16 x 32 x 32, 6 of 32 x 16 x 16 and 6 of 64 x 8 x 8
    # numbers of 4 bytes, of 50 images: 560 MB. On 16 pixels it is a quarter, of which 7
    # would fit; 4 divide a part.
    assert sizes(32, stem_width=16, cells_per_stage=5) == [1] * 40
    assert sizes(16, stem_width=16, cells_per_stage=5) == [4] * 10
    # Of 20,000 images, 8 maps of 16 x 8 x 8 numbers of 4 bytes take 655 MB.
    assert sizes(8, 20_000, stem_width=16, cells_per_stage=1) == [1] * 40


def test_statistics_are_of_no_more_images_than_memory_allows(split, monkeypatch):
    members, seen = networks.members("tss", np.array([[3, 1, 0, 2, 0, 3]], np.int8), SKELETON), []
    logits = Bundle.logits

    def watched(bundle, images, statistics):
        seen.append((len(images), type(statistics).__name__))
        return logits(bundle, images, statistics)

    monkeypatch.setattr(Bundle, "logits", watched)
    truth.train(members, split, SCHEDULE, 0)
    assert [n for n, kind in seen if kind == "Collected"] == [100]
    # The largest map has 8 channels of 8 x 8 numbers of 4 bytes, and eight of a layer are counted.
    monkeypatch.setattr(training, "_BUNDLE_BYTES", 8 * 8 * 64 * 4 * 60)
    seen.clear()
    truth.train(members, split, SCHEDULE, 0)
    assert [n for n, kind in seen if kind == "Collected"] == [60]
    # Training took the memory of a mini-batch in any case.
    monkeypatch.setattr(training, "_BUNDLE_BYTES", 1)
    seen.clear()
    truth.train(members, split, SCHEDULE, 0)
    assert [n for n, kind in seen if kind == "Collected"] == [SCHEDULE.batch_size]


def test_a_network_that_has_diverged_has_no_right_answer(split):
    members = networks.members("tss", np.array([[3, 3, 3, 3, 3, 3]], np.int8), SKELETON)
    assert (split.labels["test"] == 0).any()
    found = truth.train(members, split, replace(SCHEDULE, learning_rate=1e30), 0)
    assert found.accuracy_pct["test"].tolist() == found.accuracy_pct["valid"].tolist() == [0]


def test_progress_of_other_settings_or_of_no_use_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0)
    store.Progress(tmp_path / "0.parquet", {"a": 1}, ["seed"]).add(pl.DataFrame({"seed": [0]}))
    assert store.Progress(tmp_path / "0.parquet", {"a": 1}, ["seed"]).rows.height == 1
    assert store.Progress(tmp_path / "0.parquet", {"a": 2}, ["seed"]).rows.is_empty()
    (tmp_path / "0.parquet.progress").write_bytes(b"half a fi")
    assert store.Progress(tmp_path / "0.parquet", {"a": 1}, ["seed"]).rows.is_empty()


def test_partition_is_fair_and_disjoint():
    parts = data.partition(DIGITS, 100, 597)
    everything = np.concatenate([parts.train, parts.valid, parts.test])
    assert np.unique(everything).size == len(DIGITS.labels) == 1797
    assert (np.bincount(DIGITS.labels[parts.train]) >= 9).all()
    with pytest.raises(ImageError, match="1797 images, of which 1000 for training and 795 for validation, leave 2"):
        data.partition(DIGITS, 1000, 795)
    with pytest.raises(ImageError, match=r"Expected at least 10 in each part. Raise train_images.$"):
        data.partition(DIGITS, 9, 100)
    with pytest.raises(ImageError, match=r"Raise train_images and valid_images.$"):
        data.partition(DIGITS, 9, 9)

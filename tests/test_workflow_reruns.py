"""What a run computes again after a change, and what it does not."""

import numpy as np
import yaml
from conftest import Workspace


def test_batches_follow_the_image_file_and_not_the_learning_rate(workspace):
    made = workspace()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
    training = {"train_images": 10, "valid_images": 10, "batch_size": 5}
    dataset = {"images": "mine.npz", "training": training}
    settings = {"run": "mine", "batch_size": 4, "spaces": {"sss": {}}, "datasets": {"mine": dataset}}
    run = Workspace(made.folder, "mine.yaml")

    def call(*options: str) -> str:
        (run.folder / "mine.yaml").write_text(yaml.safe_dump(settings))
        done = run.snakemake("--cores", "1", *options, "--", "results/mine/batches/mine.npz")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    np.savez(run.folder / "mine.npz", images=pixels, labels=np.arange(40) % 4)
    call()
    training["learning_rate"] = 0.01
    assert "Nothing to be done" in call("--dry-run")
    np.savez(run.folder / "mine.npz", images=pixels[::-1], labels=np.arange(40) % 4)
    assert "Nothing to be done" not in call("--dry-run")

"""``python -m proxybank.proxies`` prints the table of all proxies, which is ``docs/proxies.md``."""

from proxybank.proxies import AGGREGATE, CLOSED_FORM, LOW_PRECISION, REGISTRY, Proxy, in_group

INTRODUCTION = """# Proxies

Made from the registry, `proxybank.proxies.REGISTRY`, by `make docs/proxies.md`: {n} proxies. Name them in `proxies` of
a configuration.

- A group of passes feeds all its proxies at once. A second proxy that is fed by the same costs next to nothing, and
  one that is fed by something else of the group, which is named behind a colon, less than alone. Groups are registered
  in `GROUPS` of `proxybank/proxies/registry.py`, and the function behind each in `proxybank/passes/__init__.py`.
  `{closed_form}`: a column of the table `networks`, known without a pass. `{aggregate}`: see below.
- Initialisation and batch are the run's, but for these, whose definition has its own. Weights: standard normal for
  `swap`, `swap_regularised` and `zen`; Kaiming normal, fan in, for `az_*` and `vkdnw*`, fan out for `cv_u`, `cv_u_10`,
  `eznas` and `te_nas_regions`; all 1e-7, then all 1, for `epsinas`. Images: Gaussian noise for `az_*` and `vkdnw*` (64)
  and `zen` (16); 16 of the batch for `swap`, `swap_regularised`, `near` and the patterns of `l_swag`, one for `meco`
  and `meco_opt`, crops for `te_nas_regions`; one of ones for flows.
- Scores are raw; one that is not
  a finite number is null, and `score_status` says why: `singular`, `constant`, `overflow`, `nan`. Nothing is imputed.
- By default, networks are scored without dead edges, and one network of each class stands for all
  ([how](classes.md)). What is counted or looked at, such as ReLUs, poolings and tensors, is that of the network that is
  scored: all 341 cells without a path have a singular NASWOT kernel, and as they are written 201 of them. With
  `dead_edges: keep` every network is scored as it is written. Closed forms describe networks as they are written.
- The passes of {low_precision} run in bfloat16 where the processor is faster with it
  (`precision: auto`); `provenance` says in which precision a run was made.
- A group that takes too long for every network can be run on a sample (`samples` in the configuration): networks are
  drawn at random until they have so many classes. Those not drawn have no score, and classes of which none is drawn
  status `not_sampled`; correlations, regrets and figures leave them out, and say n. The column `sample_place` of
  `networks` says how many other classes were drawn before, so that `where sample_place < 1000` compares all proxies on
  the networks of a sample of 1,000 classes.
- Where no published code or an unclear text left a choice, the entry says that it is a reading. None of these is in the
  default run.

**Scores of a set.** NINASWOT, the rank sum, FreeREA's fitness, the vote, and the sums of AZ-NAS and VKDNW give a
network no number by itself, only within a set. The set is the whole space, or the sample that their terms share: once
its parts are scored, they are computed seed by seed from the columns they need, which the run must ask for too, and are
columns like any other. A search that ranks within what it has explored, such as `ga_rk`, does that itself; `freerea`
with the objective `naswot / max(naswot) + ...` divides by the maxima of the networks it is comparing, and at its end by
those of all it has explored.

**One network, from Python**, by one group of passes, with `PYTHONPATH=workflow_scripts`:

```python
from proxybank import data, spaces
from proxybank.proxies import scoring

images, space = data.load("digits"), spaces.get("tss")  # or a path, as `images` in the configuration
arch = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
(index,) = space.index_of(space.parse(arch)[None])
print(
    scoring.score_part(
        ["snip", "jacov"],
        [space.classes("drop")[index]],  # the class stands for all networks of one function
        space="tss",
        group="gradients",
        dead_edges="drop",
        skeleton=images.skeleton(stem_width=16, cells_per_stage=5),
        batches=data.draw_batches(images, 32, [0, 1]),
        initialisation="kaiming_normal_fan_out",
        device="cpu",
        precision="float32",
    )
)
```
"""


def line(proxy: Proxy) -> str:
    """Row of the table."""
    better, fed_by = "higher" if proxy.higher_is_better else "lower", proxy.fed_by
    if proxy.needs == CLOSED_FORM:
        fed_by += f": `{proxy.column}`"
    elif proxy.needs == AGGREGATE:
        fed_by += ": " + ", ".join(f"`{name}`" for name in proxy.terms)
    elif proxy.needs != fed_by:
        fed_by += f": {proxy.needs}"
    cells = [f"`{proxy.name}`", proxy.definition, better, fed_by, proxy.source, proxy.differs]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells).rstrip() + " |"


def reference() -> str:
    """Write the introduction, and all entries as a Markdown table, group by group."""
    lowered = [f"`{name}`" for group_name in LOW_PRECISION for name in in_group(REGISTRY, group_name)]
    low_precision = ", ".join(lowered[:-1]) + " and " + lowered[-1]
    head = INTRODUCTION.format(
        n=len(REGISTRY), closed_form=CLOSED_FORM, aggregate=AGGREGATE, low_precision=low_precision
    )
    groups = dict.fromkeys(proxy.fed_by for proxy in REGISTRY.values())
    rows = [proxy for name in groups for proxy in REGISTRY.values() if proxy.fed_by == name]
    table = ["| proxy | what it is | better | fed by | source | where it differs |", "|" + "---|" * 6, *map(line, rows)]
    return head + "\n" + "\n".join(table) + "\n"


if __name__ == "__main__":
    print(reference(), end="")

"""Proxies that are counts: most describe the network as written, dead edges included."""

from proxybank.proxies.registry import CLOSED_FORM, Proxy, register_proxy

NATS_BENCH = "Dong, Liu, Musial, Gabrys, IEEE TPAMI 2021, arXiv:2009.00437"
CONTROL = "a structural control, which a proxy should beat"

for name, column, source, differs in (
    ("params", "params_m", NATS_BENCH, "in millions"),
    ("flops", "mflops", NATS_BENCH, "millions of multiply-adds of convolutions and classifier, as NATS-Bench counts"),
    ("n_relu", "n_relu", "Melchionna, Revel Garrone, Suriano", "pooling edges hold no ReLU; the paper counts one each"),
    (
        "skipped_layers",
        "skipped_layers",
        "Cavagnero, Robbiano, Caputo, Averta, WACV 2023, arXiv:2207.05135",
        "constant on the size space, where every cell has the one skip from input to output",
    ),
    ("n_conv", "n_conv", CONTROL, "convolutions, those on dead edges included"),
    ("n_live_conv", "n_live_conv", CONTROL, "convolutions on dead edges do not count"),
    (
        "n_live_edges",
        "n_live_edges",
        CONTROL,
        "edges of the cell on a path from its input to its output, skips included",
    ),
    ("mean_width", "mean_width", CONTROL, "channels, mean over cells and reductions; constant on the topology space"),
    ("depth", "depth", CONTROL, "convolutions on the longest path, 0 without one; constant on the size space"),
):
    register_proxy(Proxy(name, 1, CLOSED_FORM, True, source, differs, column=column))

"""Proxies that are counts: most describe the network as written, dead edges included."""

from proxybank.proxies.registry import CLOSED_FORM, Proxy, register_proxy

NATS_BENCH = "Dong, Liu, Musial, Gabrys, IEEE TPAMI 2021, arXiv:2009.00437"
CONTROL = "a structural control, which a proxy should beat"

for name, column, definition, source, differs in (
    ("params", "params_m", "Trainable parameters, in millions.", NATS_BENCH, ""),
    (
        "flops",
        "mflops",
        "Millions of multiply-adds of convolutions and classifier, as NATS-Bench counts.",
        NATS_BENCH,
        "",
    ),
    (
        "n_relu",
        "n_relu",
        "ReLUs called in a forward pass.",
        "Melchionna, Revel Garrone, Suriano",
        "Pooling edges hold no ReLU; the paper counts one each.",
    ),
    (
        "skipped_layers",
        "skipped_layers",
        "Mean number of nodes that a skip connection jumps; 0 without skips.",
        "Cavagnero, Robbiano, Caputo, Averta, WACV 2023, arXiv:2207.05135",
        "Constant on the size space, where every cell has the one skip from input to output.",
    ),
    ("n_conv", "n_conv", "Convolutions, those on dead edges included.", CONTROL, ""),
    ("n_live_conv", "n_live_conv", "Convolutions, those on dead edges left out.", CONTROL, ""),
    (
        "n_live_edges",
        "n_live_edges",
        "Edges of the cell on a path from its input to its output, skips included.",
        CONTROL,
        "",
    ),
    (
        "mean_width",
        "mean_width",
        "Mean number of channels over cells and reductions; constant on the topology space.",
        CONTROL,
        "",
    ),
    (
        "depth",
        "depth",
        "Convolutions on the longest path, 0 without one; constant on the size space.",
        CONTROL,
        "",
    ),
):
    register_proxy(Proxy(name, 1, CLOSED_FORM, True, definition, source, differs, column=column))

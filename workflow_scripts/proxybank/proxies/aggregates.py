"""Proxies that depend on a set of networks: each is computed of other columns, over all networks of a space.

A network has no such score by itself. As columns of the score tables they rank the whole space, seed by seed; a search
that ranks within the set it has explored computes them itself.
"""

from proxybank.proxies.registry import AGGREGATE, Proxy, register_proxy

_SET = "Over all networks of the space, copies of one function included. "
_WORST = _SET + "A network without a score of a term is its worst, tied with all such. "
_SAMPLE = "Mean and deviation are those of 100 networks that the seed draws, without those that have no score. "
_TSAI = "Wu, Lin, Tsai, ICEA 2021"
_IMMUNITY = (
    "The second term is `ni`, of later work by the authors; their code of this score has minus the sum of squares of "
    "what noise of deviation 0.05 changes in the outputs, which is not registered. "
)

for name, terms, higher_is_better, definition, source, differs in (
    (
        "ninaswot",
        ("naswot", "ni"),
        True,
        "Twice the standardised `naswot` plus the standardised `ni`.",
        _TSAI,
        _IMMUNITY + _SAMPLE + "No score where a term has none.",
    ),
    (
        "ninaswot_ntk",
        ("naswot", "ni", "ntk"),
        True,
        "`ninaswot` over the root of 5, less the standardised `ntk`.",
        "OEmiliatanO, Rank-Based-NAS, score/__init__.py, after " + _TSAI,
        _IMMUNITY
        + _SAMPLE
        + "No score where the code has -1e6, if a term has none. The code's files of it are named after naswot.",
    ),
    (
        "rank_sum",
        ("ni", "naswot", "logsynflow"),
        False,
        "Sum of the network's ranks by each term, 0 for the best.",
        "OEmiliatanO, Rank-Based-NAS",
        _WORST + "The code ranks the candidates that a search has kept.",
    ),
    (
        "freerea_fitness",
        ("naswot", "logsynflow", "skipped_layers"),
        True,
        "Sum of the terms, each over its largest magnitude.",
        "Cavagnero, Robbiano, Caputo, Averta, WACV 2023, arXiv:2207.05135",
        _SET
        + "The code divides by the largest score among the networks compared. No score where naswot has none; the code "
        "puts the least.",
    ),
    (
        "vote",
        ("synflow", "jacov", "snip"),
        True,
        "Number of networks that it beats by most of the terms, less that of those it loses to.",
        "Abdelfattah, Mehrotra, Dudziak, Lane, ICLR 2021, arXiv:2101.08134",
        _WORST + "The paper judges pairs; this is the order that follows from all of them.",
    ),
    (
        "az_nas",
        ("az_expressivity", "az_progressivity", "az_trainability", "flops"),
        True,
        "Sum over the terms of ln(rank / n), with rank n for the best of n networks.",
        "Lee, Ham, CVPR 2024, arXiv:2403.19232",
        _WORST + "The code ranks a random sample or the networks of a search. Users report that they could not obtain "
        "the published correlations.",
    ),
    (
        "vkdnw_agg",
        ("vkdnw", "jacov", "az_expressivity", "az_trainability", "flops"),
        True,
        "Sum over the terms of ln(rank / n), with rank n for the best of n networks.",
        "Tybl, Neumann, CVPR 2025, arXiv:2502.04975",
        _WORST + "The paper ranks 9,445 cells that it holds to be unique. Ties have average ranks; in the code, ranks "
        "of (vkdnw_tensors, vkdnw_entropy) are dense.",
    ),
):
    register_proxy(Proxy(name, 1, AGGREGATE, higher_is_better, definition, source, differs, terms=terms))

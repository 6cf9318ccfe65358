"""The searches there are, with their parameters; nothing is compiled here, so that checking a config is quick."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxybank.errors import SearchError, suggest
from proxybank.searches.objective import is_sum_of_ranks, split_stages

Value = int | float | str
# Genes of a cell: its edges.
N_EDGES = 6


@dataclass(frozen=True)
class Parameter:
    """A setting of an algorithm: a number from `low` to `high`, or one of `choices`.

    Attributes
    ----------
    default : int, float or str
        What the source uses; its type is the type of the parameter.
    meaning : str
        One sentence.
    low, high : float
        Bounds of a number, inclusive.
    choices : tuple of str
        Values of a word; a kernel receives their number.
    cells_only : bool
        Whether another value than the default makes sense for the topology space alone.
    per_value : bool
        Whether it may not be more than the values of a gene.
    """

    default: Value
    meaning: str
    low: float = 1
    high: float = 10_000
    choices: tuple[str, ...] = ()
    cells_only: bool = False
    per_value: bool = False

    def accepts(self, value: object) -> bool:
        """Whether the value has the right type and range."""
        if self.choices:
            return value in self.choices
        number = int | float if isinstance(self.default, float) else int
        return isinstance(value, number) and not isinstance(value, bool) and self.low <= value <= self.high

    @property
    def expected(self) -> str:
        """What it accepts, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = "a number" if isinstance(self.default, float) else "an integer"
        return f"{kind} from {self.low} to {self.high}"


@dataclass(frozen=True)
class Algorithm:
    """A search.

    Attributes
    ----------
    name : str
        Unique name, used in configurations and tables.
    version : int
        Raised whenever its outcomes change.
    kernel : str
        Module of this package that holds ``run(search, *parameters)``.
    does : str
        One sentence.
    maximises : str
        What its source gives it as objective, an expression for each stage.
    source : str
        Where it was published.
    parameters : mapping of str to Parameter
        In the order of the kernel's arguments.
    repeats : {"charged", "free"}
        Whether a network met again costs the same again, unless told otherwise.
    stages : tuple of int
        Least and largest number of stages, each with an objective of its own.
    any_stage : bool
        Whether it returns the best network of any stage, not of the last one it reached.
    by_ranks : bool
        Whether its objective must be a sum of rank(), since it looks at what each is of.
    own_moments : bool
        Whether zscore() is over networks it evaluates; else others are drawn first, which cost time and no evaluations.
    differs : str
        Where it differs from its source.
    """

    name: str
    version: int
    kernel: str
    does: str
    maximises: str
    source: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    repeats: str = "charged"
    stages: tuple[int, int] = (1, 1)
    any_stage: bool = False
    by_ranks: bool = False
    own_moments: bool = False
    differs: str = ""

    @property
    def expected_stages(self) -> str:
        """How many stages it takes, in words."""
        low, high = self.stages
        return f"{low}" if low == high else f"{low} to {high}"

    def check(self, parameters: Mapping[str, object]) -> dict[str, Value]:
        """Return all parameters in the order of the kernel's arguments, defaults filled in.

        Raises
        ------
        SearchError
            If one is unknown, of the wrong type or out of range.
        """
        for name, value in parameters.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise SearchError(
                    f"{self.name}: no parameter is called '{name}'.{suggest(name, self.parameters)} Known: {known}."
                )
            if not self.parameters[name].accepts(value):
                rule = self.parameters[name]
                raise SearchError(f"{self.name}, {name}: found {value!r}. Expected {rule.expected}. {rule.meaning}")
        return {name: parameters.get(name, rule.default) for name, rule in self.parameters.items()}

    def check_space(self, parameters: Mapping[str, object], n_genes: int, n_choices: int) -> None:
        """Check that the values of parameters make sense for networks of so many genes, with so many values each.

        Raises
        ------
        SearchError
            If one is about the edges of a cell, and the networks are no cells; or if a gene has too few values for it.
        """
        for name, rule in self.parameters.items():
            value = parameters.get(name, rule.default)
            if rule.cells_only and n_genes != N_EDGES and value != rule.default:
                raise SearchError(
                    f"{self.name}, {name}: found {value!r} for networks of {n_genes} genes. This is about the "
                    f"{N_EDGES} edges of a cell. Remove it, or search the topology space alone."
                )
            if rule.per_value and value > n_choices:
                raise SearchError(
                    f"{self.name}, {name}: found {value} where genes have {n_choices} values. Expected no more than "
                    f"these. {rule.meaning}"
                )

    def check_objective(self, objective: str) -> None:
        """Check that an objective has as many stages as the search, and the form that it needs.

        Raises
        ------
        SearchError
            If it has more or less stages, or is no sum of rank() where that is needed.
        """
        found, (low, high) = len(split_stages(objective)), self.stages
        if not low <= found <= high:
            raise SearchError(
                f"{self.name}: found {found} stages in '{objective}'. Expected {self.expected_stages}, one expression "
                "each, with semicolons between them. Correct it."
            )
        if self.by_ranks and not is_sum_of_ranks(objective):
            raise SearchError(
                f"{self.name}: found '{objective}'. Expected a sum of rank(), of which the highest are kept, one by "
                "one. Write rank(-x) where less of x is better."
            )


def _word(default: str, choices: str, meaning: str, cells_only: bool = False) -> Parameter:
    return Parameter(default, meaning, choices=tuple(choices.split()), cells_only=cells_only)


def _share(default: float, meaning: str) -> Parameter:
    return Parameter(default, meaning, low=0, high=1)


def _evolution(population: int, sample: int) -> dict[str, Parameter]:
    return {
        "population": Parameter(population, "Networks alive at a time.", low=2),
        "sample": Parameter(sample, "Networks drawn to choose parents from."),
    }


def _genetic(population: int, generations: int) -> dict[str, Parameter]:
    return {
        "population": Parameter(population, "Networks of a generation.", low=2),
        "generations": Parameter(generations, "Generations after the first, if the budget allows.", high=1_000_000),
        "tournament": Parameter(3, "Networks drawn to choose parents from.", low=2),
        "crossover": _share(0.8, "Chance of a crossover."),
        "mutation": _share(0.07, "Chance that both children of a pair have one gene changed each."),
    }


_BY_NODE = _word(
    "by_node",
    "uniform by_node",
    "The edge to mutate: any alike, or a node first and then one of its incoming edges. Sizes have no nodes.",
)
_OTHER = _word("other", "other any", "Whether a mutated gene takes another value, or any, the same included.")
_CHILD = _word("mutation", "mutation vote inversion crossover", "How a child is made.")
_SKIPS = _word("no", "no yes", "Whether children without a skip connection are made again.", cells_only=True)
_EXPLORED = _word("explored", "explored sample", "What max() is over when networks of a sample are compared.")
_UNIFORM, _ANY, _SAMPLE = (
    replace(_BY_NODE, default="uniform"),
    replace(_OTHER, default="any"),
    replace(_EXPLORED, default="sample"),
)
_WARMUP = "Networks scored at the first stage."
_CANDIDATES = Parameter(32, "Networks that halving begins with.")
_ACCURACY = "validation accuracy"
_MORE_EPOCHS = "validation accuracy after ever more epochs"
_PROXY_FIRST = "a proxy; validation accuracy"
_FITNESS = "a sum of proxies, each divided by its `max()`"
_WARM_START = "Scores random networks at the first stage; evolution at the second starts from the best of them."
_TURIN = "Melchionna, Revel Garrone, Suriano (the Turin paper)"
_REA = "Real et al., AAAI 2019, arXiv:1802.01548; D-X-Y/AutoDL-Projects exps/NATS-algos/regularized_ea.py"

_ALGORITHMS = (
    Algorithm(
        name="random",
        version=1,
        kernel="random_choice",
        does="One random network, whatever the budget.",
        maximises="any; it is not used",
        source="a control, which every search should beat",
    ),
    Algorithm(
        name="naswot_search",
        version=1,
        kernel="naswot_search",
        does="The best of random networks, drawn until the budget is used up.",
        maximises="a proxy",
        source="Mellor et al., ICML 2021, arXiv:2006.04647, algorithm 1",
        differs="starts from -inf, so that negative scores can win, and returns nothing if no network has a score",
    ),
    Algorithm(
        name="random_search",
        version=1,
        kernel="naswot_search",
        does="As `naswot_search`, with a short training of each network.",
        maximises=_ACCURACY,
        source=f"Dong, Liu, Musial, Gabrys, IEEE TPAMI 2021, arXiv:2009.00437; {_TURIN}",
        differs="the Turin paper selects by test accuracy, which no search sees here",
    ),
    Algorithm(
        name="ensemble",
        version=2,
        kernel="ensemble",
        does="The best of a set of random networks, within which scores are normalised and summed.",
        maximises="a sum of `zscore()`, `rank()`, `-place()` or `-log(place())`",
        source="OEmiliatanO/Rank-Based-NAS: its random search by a sum of ranks",
        own_moments=True,
    ),
    Algorithm(
        name="rea",
        version=2,
        kernel="rea",
        does="Regularised evolution: a child of the best of a sample takes the place of the oldest network.",
        maximises=_ACCURACY,
        source=_REA,
        parameters={
            **_evolution(10, 3),
            "edge_choice": _BY_NODE,
            "new_value": _OTHER,
            "child": _CHILD,
            "skips_only": _SKIPS,
            "maxima": _EXPLORED,
        },
        differs="a mutated size always has another width by default; NATS-Bench's code may draw the same one again",
    ),
    Algorithm(
        name="turin_rea",
        version=2,
        kernel="rea",
        does="Regularised evolution by a proxy, with four ways to make a child: `rea` with other defaults.",
        maximises="`naswot` or `log(synflow)`",
        source=_TURIN,
        parameters={
            **_evolution(10, 3),
            "edge_choice": _UNIFORM,
            "new_value": _ANY,
            "child": _CHILD,
            "skips_only": _SKIPS,
            "maxima": _EXPLORED,
        },
        differs="population and sample are not printed; crossover takes each edge from either parent by a fair coin",
    ),
    Algorithm(
        name="freerea_minus",
        version=2,
        kernel="rea",
        does="FreeREA with one parent and without survival of the best: `rea` with other defaults.",
        maximises=_FITNESS,
        source="Cavagnero et al., WACV 2023, arXiv:2207.05135; NiccoloCavagnero/FreeREA our_baselines.py",
        parameters={
            **_evolution(25, 5),
            "edge_choice": _UNIFORM,
            "new_value": _OTHER,
            "child": _CHILD,
            "skips_only": _SKIPS,
            "maxima": _SAMPLE,
        },
        repeats="free",
        differs="never stops early; the code's early stop cannot be reached while its history grows",
    ),
    Algorithm(
        name="freerea",
        version=2,
        kernel="freerea",
        does="Mutants and a crossover of the two best of a sample join; the oldest network leaves, then the worst.",
        maximises=_FITNESS,
        source="Cavagnero et al., WACV 2023, arXiv:2207.05135; NiccoloCavagnero/FreeREA search.py",
        parameters=_evolution(25, 5),
        repeats="free",
        differs="a network without a finite score ranks last, where the code imputes the column's minimum; a child "
        "beyond the limits is drawn again, where the code drops it",
    ),
    Algorithm(
        name="area",
        version=2,
        kernel="rea_warmup",
        does=_WARM_START,
        maximises=_PROXY_FIRST,
        source="Mellor et al., ICML 2021, arXiv:2006.04647: AREA",
        parameters={"warmup": Parameter(20, _WARMUP), **_evolution(10, 3), "edge_choice": _BY_NODE},
        stages=(2, 2),
    ),
    Algorithm(
        name="rea_warmup",
        version=2,
        kernel="rea_warmup",
        does=_WARM_START,
        maximises=_PROXY_FIRST,
        source="Abdelfattah et al., ICLR 2021, arXiv:2101.08134: evolution with warm-up",
        parameters={"warmup": Parameter(2000, _WARMUP), **_evolution(10, 3), "edge_choice": _BY_NODE},
        stages=(2, 2),
    ),
    Algorithm(
        name="ga",
        version=2,
        kernel="ga",
        does="Genetic algorithm: children of the best two of small samples replace their whole generation.",
        maximises="a sum of `zscore()`",
        source="Wu, Lin, Tsai, ICEA 2021: GA-NINASWOT; OEmiliatanO/Rank-Based-NAS search/GA.py",
        parameters=_genetic(30, 50),
        repeats="free",
        differs="two cuts anywhere between genes, drawn for each child; versions of the code have one or two for both",
    ),
    Algorithm(
        name="ga_rk",
        version=2,
        kernel="ga_rk",
        does="Genetic algorithm by ranks; of each generation, only the two best by each proxy may be returned.",
        maximises="a sum of `rank()`",
        source="OEmiliatanO/Rank-Based-NAS search/GA/GA_rk_abstract.py",
        parameters=_genetic(25, 30),
        repeats="free",
        by_ranks=True,
        differs="the cuts lie anywhere between genes; the code's never reach some of them. A network that one of the "
        "proxies gives no score has none at all",
    ),
    Algorithm(
        name="sa_rk",
        version=3,
        kernel="sa_rk",
        does="Simulated annealing by ranks: moves to the best of some neighbours, to a worse one ever more rarely.",
        maximises="a sum of `rank()`",
        source="OEmiliatanO/Rank-Based-NAS search/SA/SA_rk_abstract.py",
        parameters={
            "hottest": Parameter(1.0, "First temperature.", low=1e-9),
            "coldest": Parameter(8e-4, "The run ends at this temperature, if the budget allows.", low=1e-9),
            "cooling": Parameter(0.745, "What the temperature is multiplied by.", low=0.01, high=0.999),
            "iterations": Parameter(4, "Moves at each temperature."),
            "neighbours": Parameter(10, "Networks to choose each move from."),
            "alpha": Parameter(0.25, "Weight of a loss in rank.", low=0, high=1000),
            "returns": _word("current", "current best", "What a run returns: the last network, or the best of all."),
        },
        repeats="free",
        differs="starts from any network within the limits; the code's encoder knows only cells with a live path. Once "
        "best networks are never forgotten: the bound that beta sets is out of reach. With `returns: best`, ranks are "
        "among all networks explored; the code has the best of the last step's set",
    ),
    Algorithm(
        name="search_economics",
        version=3,
        kernel="search_economics",
        does="Breeds with the good networks of that region of the space where the expected value is highest.",
        maximises="`ni`",
        source="Wu, Lin, Tsai, IEEE TEVC 28(2), 2024; cwtsaiai/TNASSE se/se_nasbench201.py",
        parameters={
            "searchers": Parameter(1, "Searchers.", high=100),
            "regions": Parameter(3, "Parts of the space, by the first gene.", high=8, per_value=True),
            "goods": Parameter(1, "Good networks remembered for each region.", high=100),
        },
        repeats="free",
        differs="children keep the first gene of their region, which the authors' code sets after scoring; there, no "
        "region gains by waiting (Accumulation1 is called twice, Accumulation2 never), a region's best good stays that "
        "of the start, four further genes choose a backbone, no cut lies before the last gene, the two children share "
        "cut and mutated gene, the best child is that of a random half of the goods where these are more than two, and "
        "what is returned is the best that a searcher chose",
    ),
    Algorithm(
        name="reinforce",
        version=1,
        kernel="reinforce",
        does="Draws each gene from a distribution that shifts towards what scored above the average of the past.",
        maximises=_ACCURACY,
        source="Williams, 1992; D-X-Y/AutoDL-Projects exps/NATS-algos/reinforce.py",
        parameters={
            "learning_rate": Parameter(0.01, "Step size of Adam.", low=1e-6, high=10),
            "momentum": Parameter(0.9, "Weight of the past in the moving average of rewards.", low=0, high=0.999),
        },
    ),
    Algorithm(
        name="successive_halving",
        version=2,
        kernel="successive_halving",
        does="Evaluates random networks; the better half of them goes on to the next stage.",
        maximises=_MORE_EPOCHS,
        source="Jamieson and Talwalkar, AISTATS 2016, arXiv:1502.07943",
        parameters={"candidates": _CANDIDATES},
        stages=(1, 20),
    ),
    Algorithm(
        name="hyperband",
        version=2,
        kernel="hyperband",
        does="Many networks begin at the first stage, few at the last, again and again; one in `eta` goes on.",
        maximises=_MORE_EPOCHS,
        source="Li et al., JMLR 2018, arXiv:1603.06560",
        parameters={"eta": Parameter(3, "One in so many networks goes on to the next stage.", low=2, high=10)},
        stages=(1, 10),
        any_stage=True,
        differs="brackets have hpbandster's sizes, 9, 3 and 3 for three stages; the paper rounds up, to 9, 5 and 3",
    ),
    Algorithm(
        name="bohb",
        version=3,
        kernel="bohb",
        does="Hyperband that draws networks from a model of those that did well.",
        maximises=_MORE_EPOCHS,
        source="Falkner et al., ICML 2018, arXiv:1807.01774; D-X-Y/AutoDL-Projects exps/NATS-algos/bohb.py, run-all.sh",
        parameters={
            "eta": Parameter(3, "One in so many networks goes on to the next stage.", low=2, high=10),
            "samples": Parameter(4, "Draws from the model, of which the best is taken."),
            "random_fraction": _share(0.0, "Share of networks drawn without the model."),
            "min_bandwidth": _share(0.3, "Least bandwidth of the densities."),
        },
        stages=(1, 10),
        any_stage=True,
        differs="bandwidths end where a density is uniform; the bandwidth factor acts on continuous values alone; "
        "densities know all values of a gene, the code's those among its data",
    ),
    Algorithm(
        name="local_search",
        version=2,
        kernel="local_search",
        does="Moves to the first better network that differs in one gene, until there is none.",
        maximises=_ACCURACY,
        source="White et al., UAI 2021, arXiv:2005.02960; ELO-Lab/MF-NAS algos/sonas/local_search.py",
        parameters={
            "at_optimum": _word("restart", "restart escape", "What follows a local optimum: a new start, or a leap.")
        },
    ),
    Algorithm(
        name="mf_nas",
        version=3,
        kernel="mf_nas",
        does="Local search at the first stage; the best it has met are halved from stage to stage.",
        maximises="a proxy; validation accuracy after ever more epochs",
        source="Phan and Luong, GECCO 2024; ELO-Lab/MF-NAS algos/sonas/mf_nas.py",
        parameters={"warmup": Parameter(2000, _WARMUP), "candidates": _CANDIDATES},
        stages=(2, 20),
        differs="the last stage is judged by validation accuracy, and the moves of all genes are tried in one random "
        "order; the authors' code looks at test accuracy, and tries all operations of an edge before those of the next",
    ),
    Algorithm(
        name="robot",
        version=2,
        kernel="robot",
        does="Learns weights of proxies from the networks that weightings like best, then goes down the best ranking.",
        maximises="one proxy a stage; validation accuracy",
        source="He et al., ICLR 2024; hzf1174/RoBoT search_nb201.py",
        parameters={
            "queries": Parameter(20, "Networks trained.", low=2, high=200),
            "draws": Parameter(1000, "Random weightings that the acquisition is maximised over."),
        },
        repeats="free",
        stages=(2, 20),
        differs="scoring the whole space is on the clock; the length scale is the likeliest on a grid; the acquisition "
        "is maximised over random draws alone, where the code's bayes_opt also climbs from ten more; of equally good "
        "weightings the first is kept, there the last",
    ),
)

ALGORITHMS = {algorithm.name: algorithm for algorithm in _ALGORITHMS}


def get_algorithm(name: str) -> Algorithm:
    """Return the search of this name.

    Raises
    ------
    SearchError
        If there is none.
    """
    if name not in ALGORITHMS:
        raise SearchError(
            f"searches: no algorithm is called '{name}'.{suggest(name, ALGORITHMS)} Known: {', '.join(ALGORITHMS)}."
        )
    return ALGORITHMS[name]

"""The searches there are, with their parameters; nothing is compiled here, so that checking a config is quick."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxybank.errors import SearchError, suggest

Value = int | float | str


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
    """

    default: Value
    meaning: str
    low: float = 1
    high: float = 10_000
    choices: tuple[str, ...] = ()

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
    source : str
        Where it was published.
    parameters : mapping of str to Parameter
        In the order of the kernel's arguments.
    repeats : {"charged", "free"}
        Whether a network met again costs the same again, unless told otherwise.
    differs : str
        Where it differs from its source.
    """

    name: str
    version: int
    kernel: str
    source: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    repeats: str = "charged"
    differs: str = ""

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


def _population(default: int) -> Parameter:
    return Parameter(default, "Networks alive at a time.", low=2)


def _sample(default: int) -> Parameter:
    return Parameter(default, "Networks a parent is chosen from.")


_EDGE_CHOICE = Parameter(
    "by_node",
    "The edge to mutate: any alike, or a node first and then one of its incoming edges; cells only.",
    choices=("uniform", "by_node"),
)

_ALGORITHMS = (
    Algorithm(
        name="random",
        version=1,
        kernel="random_choice",
        source="control: one network drawn at random",
    ),
    Algorithm(
        name="naswot_search",
        version=1,
        kernel="naswot_search",
        source="Mellor et al., ICML 2021, arXiv:2006.04647, algorithm 1",
        differs="starts from -inf, so that negative scores can win, and returns nothing if no network has a score",
    ),
    Algorithm(
        name="rea",
        version=1,
        kernel="rea",
        source="Real et al., AAAI 2019, arXiv:1802.01548; NATS-Bench, arXiv:2009.00437",
        parameters={"population": _population(10), "sample": _sample(3), "edge_choice": _EDGE_CHOICE},
        differs="a mutated size always has another width; NATS-Bench's code may draw the same one again",
    ),
    Algorithm(
        name="freerea",
        version=1,
        kernel="freerea",
        source="Cavagnero et al., WACV 2023, arXiv:2207.05135; NiccoloCavagnero/FreeREA search.py",
        parameters={"population": _population(25), "sample": Parameter(5, "Networks parents are chosen from.", low=2)},
        repeats="free",
        differs="a network without a finite score ranks last; the code imputes the column's minimum",
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

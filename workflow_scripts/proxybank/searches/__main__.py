"""``python -m proxybank.searches`` prints the tables of all searches, which are ``docs/algorithms.md``."""

from proxybank.searches import ALGORITHMS, Algorithm, Parameter

INTRODUCTION = """# Algorithms

Made from the registry, `proxybank.searches.ALGORITHMS`, by `make docs/algorithms.md`: {n} algorithms. An entry of
`searches` in a configuration names one as `algorithm`, and parameters beside it where they differ from the defaults
here (`no` and `yes` in quotes: YAML takes them for false and true). [searches.md](searches.md) has examples, and says
what all searches share.

- **Stages**: how many expressions the objective has, with semicolons between them; and what the source maximises, in
  whose place any other objective may stand.
- **Repeats**: whether a network met again costs the same again (charged) or nothing (free), unless the entry says it.
"""


def line(algorithm: Algorithm) -> str:
    """Row of the table of algorithms."""
    stages = f"{algorithm.expected_stages}: {algorithm.maximises}"
    defaults = ", ".join(f"`{name}` {rule.default}" for name, rule in algorithm.parameters.items())
    cells = (f"`{algorithm.name}`", algorithm.does, stages, defaults, algorithm.repeats, algorithm.source)
    return row(*cells, algorithm.differs)


def parameter_lines() -> list[str]:
    """Rows of the table of parameters; those that algorithms have in common, whatever their defaults, are one."""
    owners: dict[tuple[str, ...], list[str]] = {}
    for algorithm in ALGORITHMS.values():
        for name, rule in algorithm.parameters.items():
            owners.setdefault((f"`{name}`", values(rule), rule.meaning), []).append(f"`{algorithm.name}`")
    return [row(name, ", ".join(names), *rest) for (name, *rest), names in owners.items()]


def values(rule: Parameter) -> str:
    """What a parameter accepts, and where."""
    return rule.expected + ("; on the topology space alone" if rule.cells_only else "")


def row(*cells: str) -> str:
    """Row of a Markdown table."""
    return f"| {' | '.join(cells)} |".replace("  |", " |")


def reference() -> str:
    """Write the introduction, all algorithms and all parameters as Markdown tables."""
    algorithms = [
        row("algorithm", "what it does", "stages", "parameters", "repeats", "source", "where it differs"),
        "|---|---|---|---|---|---|---|",
        *map(line, ALGORITHMS.values()),
    ]
    parameters = [row("parameter", "of", "values", "what it is"), "|---|---|---|---|", *parameter_lines()]
    parts = [INTRODUCTION.format(n=len(ALGORITHMS)), *algorithms, "", "## Parameters", "", *parameters]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(reference(), end="")

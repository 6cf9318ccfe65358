"""``python -m proxybank.proxies`` prints the table of all proxies, which is ``docs/proxies.md``."""

from proxybank.proxies import AGGREGATE, CLOSED_FORM, REGISTRY, Proxy

INTRODUCTION = """# Proxies

Made from the registry, `proxybank.proxies.REGISTRY`, by `make docs/proxies.md`: {n} proxies. Name them in `proxies` of
a configuration.

- A group of passes feeds all its proxies at once, so that a second proxy of a group costs next to nothing. Groups are
  those of `proxybank/passes/`. `{closed_form}`: a column of the table `networks`, known without a pass. `{aggregate}`:
  see below.
- Where the definition gives no initialisation or batch of its own, they are the run's. Scores are raw; one that is not
  a finite number is null, and `score_status` says why: `singular`, `constant`, `overflow`, `nan`. Nothing is imputed.
- Where no published code or an unclear text left a choice, the entry says that it is a reading. None of these is in the
  default run.

**Scores of a set.** NINASWOT, the rank sum, FreeREA's fitness, the vote, and the sums of AZ-NAS and VKDNW give a
network no number by itself, only within a set. The set is the whole space: once its parts are scored, they are computed
seed by seed from the columns they need, which the run must ask for too, and are columns like any other. A search that
ranks within what it has explored, such as `ga_rk`, does that itself; `freerea` with the objective
`naswot / max(naswot) + ...` divides by the maxima of what it has explored.
"""


def line(proxy: Proxy) -> str:
    """Row of the table."""
    better = "higher" if proxy.higher_is_better else "lower"
    needs = proxy.needs
    if needs == CLOSED_FORM:
        needs = f"{needs}: `{proxy.score}`"
    elif needs == AGGREGATE:
        needs = f"{needs}: " + ", ".join(f"`{name}`" for name in proxy.score)
    return f"| `{proxy.name}` | {better} | {needs} | {proxy.source} | {proxy.differs} |".replace("  |", " |")


def reference() -> str:
    """Write the introduction, and all entries as a Markdown table, group by group."""
    head = INTRODUCTION.format(n=len(REGISTRY), closed_form=CLOSED_FORM, aggregate=AGGREGATE)
    groups = dict.fromkeys(proxy.needs for proxy in REGISTRY.values())
    rows = [proxy for group in groups for proxy in REGISTRY.values() if proxy.needs == group]
    table = ["| proxy | better | fed by | source | where it differs |", "|---|---|---|---|---|", *map(line, rows)]
    return head + "\n" + "\n".join(table) + "\n"


if __name__ == "__main__":
    print(reference(), end="")

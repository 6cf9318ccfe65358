-- One row per space, dataset, constraint_id, algorithm, objective, budget, random_algorithm, random_objective,
-- random_budget: a search against a random search (drawing networks and keeping the one with the best score, or the
-- control that draws one; random_kind is its algorithm), run by run of the same number. n_pairs: runs in which both
-- found a network. is_alike: whether both have the same objective and budget, in the same unit.
-- gain_pct: mean of accuracy_pct less the random search's, percentage points; std_pct has n_pairs - 1.
-- low_pct, high_pct: 95% interval of gain_pct, 1.96 standard errors.
-- p_value: two-sided paired test of no gain; mean and standard error are taken for normal, so have 30 pairs or more.
create or replace view against_random as
with pairs as (
    select
        s.space,
        s.dataset,
        s.constraint_id,
        s.algorithm,
        s.objective,
        s.budget,
        r.algorithm as random_algorithm,
        r.objective as random_objective,
        r.budget as random_budget,
        r.kind as random_kind,
        s.objective = r.objective and s.budget = r.budget and s.budget_unit = r.budget_unit as is_alike,
        s.accuracy_pct - r.accuracy_pct as gain_pct
    from search_runs as s
    inner join search_runs as r
        on s.space = r.space and s.dataset = r.dataset and s.constraint_id = r.constraint_id and s.run = r.run
    where
        r.kind in ('random', 'naswot_search', 'random_search')
        and (s.algorithm <> r.algorithm or s.objective <> r.objective or s.budget <> r.budget)
),

gains as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        budget,
        random_algorithm,
        random_objective,
        random_budget,
        any_value(random_kind) as random_kind,
        any_value(is_alike) as is_alike,
        count(gain_pct) as n_pairs,
        avg(gain_pct) as gain_pct,
        stddev_samp(gain_pct) as std_pct
    from pairs
    group by
        space, dataset, constraint_id, algorithm, objective, budget, random_algorithm, random_objective, random_budget
),

tests as (
    select
        *,
        std_pct / sqrt(n_pairs) as error_pct,
        abs(gain_pct) / nullif(error_pct, 0) as z,
        1 / (1 + 0.3275911 * z / sqrt(2)) as t
    from gains
)

select
    space,
    dataset,
    constraint_id,
    algorithm,
    objective,
    budget,
    random_algorithm,
    random_objective,
    random_budget,
    random_kind,
    is_alike,
    n_pairs,
    gain_pct,
    std_pct,
    gain_pct - 1.96 * error_pct as low_pct,
    gain_pct + 1.96 * error_pct as high_pct,
    -- erfc(z / sqrt(2)), Abramowitz and Stegun 1964, 7.1.26: right to 1.5e-7.
    exp(-z * z / 2)
    * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) as p_value
from tests;

-- One row per space, dataset, constraint_id, algorithm, objective, budget, random_algorithm, random_objective,
-- random_budget: a search against a random search (drawing networks and keeping the one with the best score), run by
-- run of the same number, or against the control that draws one, whose mean over all networks within the limits is
-- known exactly; random_kind is its algorithm. n_pairs: runs in which both found a network. is_alike: whether both have
-- the same budget, in the same unit (clocks may differ), and objective, and both see means of scores or those of one
-- seed; of several stages the last one counts.
-- gain_pct: mean of accuracy_pct less the random search's, percentage points; std_pct has n_pairs - 1.
-- low_pct, high_pct: Student's 95% interval of gain_pct.
-- p_value: his two-sided test of no gain, of the differences within pairs.
-- Where runs see the scores of one seed each, those of a seed share its noise: what is tested are then the means of
-- n_seeds seeds, the search's own or else the random search's. Null of one pair or seed, and p_value where all gains
-- are equal, too; one below 1e-14 is 0.
-- What all runs share is not in an interval or p_value: other initialisations, where a search sees one set of
-- scores; nor are they corrected for the number of searches.
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
        trim(string_split(s.objective, ';')[-1]) = r.objective
        and s.budget = r.budget and s.budget_unit = r.budget_unit and (s.seed is null) = (r.seed is null) as is_alike,
        coalesce(s.seed, r.seed) as seed,
        s.accuracy_pct - r.accuracy_pct as gain_pct
    from search_runs as s
    inner join search_runs as r using (space, dataset, constraint_id, run)
    where
        r.kind in ('naswot_search', 'ensemble', 'random_search')
        and (s.algorithm <> r.algorithm or s.objective <> r.objective or s.budget <> r.budget)
    union all
    select
        s.space,
        s.dataset,
        s.constraint_id,
        s.algorithm,
        s.objective,
        s.budget,
        r.algorithm as random_algorithm,
        r.objective as random_objective,
        1.0 as random_budget,
        'random' as random_kind,
        false as is_alike,
        s.seed,
        s.accuracy_pct - r.mean_pct as gain_pct
    from search_runs as s
    inner join regrets as r using (space, dataset, constraint_id)
    where r.algorithm = 'random' and r.objective = '' and s.kind <> 'random'
),

seeds as (
    select
        * exclude (random_kind, is_alike, gain_pct),
        avg(gain_pct) as seed_pct
    from pairs
    where seed is not null
    group by all
),

by_seed as (
    select
        * exclude (seed, seed_pct),
        count(seed_pct) as n_seeds,
        stddev_samp(seed_pct) as seeds_pct
    from seeds
    group by all
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
    group by all
),

gains_by_seed as (
    select
        g.*,
        s.n_seeds,
        s.seeds_pct
    from gains as g
    left join by_seed as s
        using (
            space, dataset, constraint_id, algorithm, objective, budget,
            random_algorithm, random_objective, random_budget
        )
),

-- Student's t: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
tests as (
    select
        *,
        if(n_seeds > 0, seeds_pct / sqrt(n_seeds), std_pct / sqrt(n_pairs)) as error_pct,
        if(n_seeds > 0, n_seeds, n_pairs) - 1 as freedom,
        abs(gain_pct) / nullif(error_pct, 0) as t,
        atan(t / sqrt(freedom)) as theta,
        1 - freedom % 2 * 2 * theta / pi() - sin(theta) / sqrt(pi()) * coalesce(list_sum([
            exp(lgamma((j + 1) / 2) - lgamma(j / 2 + 1)) * pow(cos(theta), j)
            for j in range(freedom % 2, freedom - 1, 2)
        ]), 0) as beyond
    from gains_by_seed
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
    n_seeds,
    gain_pct - student_quantile(freedom) * error_pct as low_pct,
    gain_pct + student_quantile(freedom) * error_pct as high_pct,
    if(beyond < 1e-14, 0, beyond) as p_value -- what is left of 1 is rounding there, and may be negative
from tests;

-- One row per space, dataset, constraint_id, algorithm, objective, budget: what its runs find, percent test accuracy;
-- and the two controls, exactly: the oracle, and random, which is any network within the limits.
-- low_pct, high_pct: Student's 95% interval of mean_pct (std_pct has n - 1; n for a control). Where runs see the scores
-- of one seed each, those of a seed share its noise: by the means of n_seeds seeds. Null of one run or seed.
-- What all runs share is not in an interval or p_value: other initialisations, where a search sees one set of
-- scores; nor are they corrected for the number of searches.
-- n_runs: runs that found a network. simulated_seconds, own_seconds: mean of a run; own_seconds are measured.
-- gain_pct, gain_low_pct, gain_high_pct, p_value: against a random search, see against_random: the one with the same
-- objective and budget, run by run, else the control random; random_algorithm is which.
create or replace view leaderboard as
with seeds as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        budget,
        seed,
        avg(accuracy_pct) as seed_pct
    from search_runs
    where seed is not null
    group by all
),

by_seed as (
    select
        * exclude (seed, seed_pct),
        count(seed_pct) as n_seeds,
        student_quantile(n_seeds - 1) * stddev_samp(seed_pct) / sqrt(n_seeds) as half_pct
    from seeds
    group by all
),

runs as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        budget,
        any_value(budget_unit) as budget_unit,
        count(accuracy_pct) as n_runs,
        avg(accuracy_pct) as mean_pct,
        stddev_samp(accuracy_pct) as std_pct,
        student_quantile(n_runs - 1) * std_pct / sqrt(n_runs) as half_pct,
        avg(regret_pct) as regret_pct,
        avg(n_evaluated) as n_evaluated,
        avg(simulated_seconds) as simulated_seconds,
        avg(own_seconds) as own_seconds
    from search_runs
    group by all
),

controls as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        null::double as budget,
        null::varchar as budget_unit,
        null::bigint as n_runs,
        mean_pct,
        std_pct,
        null::double as half_pct,
        regret_pct,
        null::double as n_evaluated,
        null::double as simulated_seconds,
        null::double as own_seconds
    from regrets
    where objective = ''
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
        gain_pct,
        low_pct as gain_low_pct,
        high_pct as gain_high_pct,
        p_value
    from against_random
    where random_kind = 'random' or is_alike
    qualify row_number() over (
        partition by space, dataset, constraint_id, algorithm, objective, budget
        order by random_kind = 'random', random_algorithm, random_objective, random_budget
    ) = 1
),

entries as (
    select * from runs
    union all
    select * from controls
)

select  -- noqa: ST06
    e.space,
    e.dataset,
    e.constraint_id,
    rank() over (partition by e.space, e.dataset, e.constraint_id order by e.mean_pct desc nulls last) as place,
    e.algorithm,
    e.objective,
    e.budget,
    e.budget_unit,
    e.n_runs,
    e.mean_pct,
    e.std_pct,
    e.mean_pct - if(s.n_seeds > 0, s.half_pct, e.half_pct) as low_pct,
    e.mean_pct + if(s.n_seeds > 0, s.half_pct, e.half_pct) as high_pct,
    e.regret_pct,
    e.n_evaluated,
    e.simulated_seconds,
    e.own_seconds,
    g.random_algorithm,
    g.gain_pct,
    g.gain_low_pct,
    g.gain_high_pct,
    g.p_value,
    s.n_seeds
from entries as e
left join by_seed as s using (space, dataset, constraint_id, algorithm, objective, budget)
left join gains as g using (space, dataset, constraint_id, algorithm, objective, budget)
order by e.space, e.dataset, e.constraint_id, place, e.algorithm, e.objective, e.budget;

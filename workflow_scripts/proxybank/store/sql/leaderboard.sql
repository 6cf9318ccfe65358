-- One row per space, dataset, constraint_id, algorithm, objective, budget: what its runs find, percent test accuracy.
-- low_pct, high_pct: 95% interval of mean_pct, 1.96 standard errors (std_pct has n - 1).
-- n_runs: runs that found a network.
create or replace view leaderboard as
with runs as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        budget,
        count(accuracy_pct) as n_runs,
        avg(accuracy_pct) as mean_pct,
        stddev_samp(accuracy_pct) as std_pct,
        avg(regret_pct) as regret_pct,
        avg(n_evaluated) as n_evaluated,
        avg(simulated_seconds) as simulated_seconds
    from search_runs
    group by space, dataset, constraint_id, algorithm, objective, budget
)

select  -- noqa: ST06
    space,
    dataset,
    constraint_id,
    rank() over (partition by space, dataset, constraint_id order by mean_pct desc nulls last) as place,
    algorithm,
    objective,
    budget,
    n_runs,
    mean_pct,
    std_pct,
    mean_pct - 1.96 * std_pct / sqrt(n_runs) as low_pct,
    mean_pct + 1.96 * std_pct / sqrt(n_runs) as high_pct,
    regret_pct,
    n_evaluated,
    simulated_seconds
from runs
order by space, dataset, constraint_id, place;

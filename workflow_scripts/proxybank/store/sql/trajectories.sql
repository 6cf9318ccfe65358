-- One row per space, dataset, constraint_id, algorithm, objective, budget, n_evaluated: the best network so far of each
-- run after so many evaluations, eight numbers a decade; a run that ended before keeps its last one.
-- mean_pct, std_pct (n - 1), low_pct, q25_pct, median_pct, q75_pct, high_pct (5% and 95%): over runs, percent test
-- accuracy. n_found: runs that have a network with a score by then, which are those counted; n_runs: all.
create or replace view trajectories as
with budgets as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        budget,
        max(n_evaluated) as most
    from search_runs
    group by all
),

grid as (
    select distinct
        b.space,
        b.dataset,
        b.constraint_id,
        b.algorithm,
        b.objective,
        b.budget,
        least(round(pow(10, k.range / 8)), b.most)::bigint as n_evaluated
    from budgets as b
    cross join range(50) as k
    where pow(10, (k.range - 1) / 8) < b.most
),

points as (
    select
        grid.*,
        search_runs.run
    from grid
    inner join search_runs using (space, dataset, constraint_id, algorithm, objective, budget)
),

found as (
    select
        points.* exclude (run),
        count(*) as n_runs,
        count(t.accuracy_pct) as n_found,
        avg(t.accuracy_pct) as mean_pct,
        stddev_samp(t.accuracy_pct) as std_pct,
        -- all five in one call: five calls take fifteen times as long
        quantile_cont(t.accuracy_pct, [0.05, 0.25, 0.5, 0.75, 0.95]) as quantiles_pct
    from points
    asof left join search_trajectories as t -- the last of the run until then
        using (space, dataset, constraint_id, algorithm, objective, budget, run, n_evaluated)
    group by all
)

select
    * exclude (quantiles_pct),
    quantiles_pct[1] as low_pct,
    quantiles_pct[2] as q25_pct,
    quantiles_pct[3] as median_pct,
    quantiles_pct[4] as q75_pct,
    quantiles_pct[5] as high_pct
from found
order by space, dataset, constraint_id, algorithm, objective, budget, n_evaluated;

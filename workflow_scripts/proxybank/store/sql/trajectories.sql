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
        over_runs(t.accuracy_pct) as runs
    from points
    asof left join search_trajectories as t -- the last of the run until then
        using (space, dataset, constraint_id, algorithm, objective, budget, run, n_evaluated)
    group by all
)

select
    * exclude (runs),
    unnest(runs)  -- noqa: AL03
from found
order by space, dataset, constraint_id, algorithm, objective, budget, n_evaluated;

-- One row per space, dataset, constraint_id, algorithm, objective, budget, simulated_seconds: the best network so far
-- of each run after so many seconds, eight numbers a decade; a run that ended before keeps its last one. Searches whose
-- seconds are unknown or 0 in any run are left out, and so are times when no run has found a network yet.
-- mean_pct, std_pct (n - 1), low_pct, q25_pct, median_pct, q75_pct, high_pct (5% and 95%): over runs, percent test
-- accuracy. n_found: runs that have a network with a score by then, which are those counted; n_runs: all.
create or replace view trajectories_by_time as
with budgets as (
    select
        space,
        dataset,
        constraint_id,
        algorithm,
        objective,
        budget,
        max(simulated_seconds) as most
    from search_runs
    group by all
    having min(simulated_seconds) > 0 and count(simulated_seconds) = count(*)
),

grid as (
    select distinct
        b.space,
        b.dataset,
        b.constraint_id,
        b.algorithm,
        b.objective,
        b.budget,
        least(pow(10, k.range / 8), b.most) as simulated_seconds
    from budgets as b
    cross join range(-80, 80) as k
    where k.range > 8 * log10(b.most) - 32 and pow(10, (k.range - 1) / 8) < b.most
),

points as (
    select
        grid.*,
        search_runs.run
    from grid
    inner join search_runs using (space, dataset, constraint_id, algorithm, objective, budget)
),

changes as (  -- where evaluations take no time, the last of those at one moment
    select *
    from search_trajectories
    qualify row_number() over (
        partition by space, dataset, constraint_id, algorithm, objective, budget, run, simulated_seconds
        order by n_evaluated desc
    ) = 1
),

found as (
    select
        points.* exclude (run),
        over_runs(t.accuracy_pct) as runs
    from points
    asof left join changes as t -- the last of the run until then
        using (space, dataset, constraint_id, algorithm, objective, budget, run, simulated_seconds)
    group by all
    having count(t.accuracy_pct) > 0
)

select
    * exclude (runs),
    unnest(runs)  -- noqa: AL03
from found
order by space, dataset, constraint_id, algorithm, objective, budget, simulated_seconds;

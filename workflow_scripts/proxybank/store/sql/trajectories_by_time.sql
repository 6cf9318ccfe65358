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
    group by space, dataset, constraint_id, algorithm, objective, budget
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
        g.*,
        r.run
    from grid as g
    inner join search_runs as r
        on
            g.space = r.space and g.dataset = r.dataset and g.constraint_id = r.constraint_id
            and g.algorithm = r.algorithm and g.objective = r.objective and g.budget = r.budget
),

changes as (  -- where evaluations take no time, the last of those at one moment
    select *
    from search_trajectories
    qualify row_number() over (
        partition by space, dataset, constraint_id, algorithm, objective, budget, run, simulated_seconds
        order by n_evaluated desc
    ) = 1
)

select
    p.space,
    p.dataset,
    p.constraint_id,
    p.algorithm,
    p.objective,
    p.budget,
    p.simulated_seconds,
    count(*) as n_runs,
    count(t.accuracy_pct) as n_found,
    avg(t.accuracy_pct) as mean_pct,
    stddev_samp(t.accuracy_pct) as std_pct,
    quantile_cont(t.accuracy_pct, 0.05) as low_pct,
    quantile_cont(t.accuracy_pct, 0.25) as q25_pct,
    quantile_cont(t.accuracy_pct, 0.5) as median_pct,
    quantile_cont(t.accuracy_pct, 0.75) as q75_pct,
    quantile_cont(t.accuracy_pct, 0.95) as high_pct
from points as p
asof left join changes as t
    on
        p.space = t.space and p.dataset = t.dataset and p.constraint_id = t.constraint_id
        and p.algorithm = t.algorithm and p.objective = t.objective and p.budget = t.budget and p.run = t.run
        and p.simulated_seconds >= t.simulated_seconds
group by p.space, p.dataset, p.constraint_id, p.algorithm, p.objective, p.budget, p.simulated_seconds
having count(t.accuracy_pct) > 0
order by p.space, p.dataset, p.constraint_id, p.algorithm, p.objective, p.budget, p.simulated_seconds;

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
    group by space, dataset, constraint_id, algorithm, objective, budget
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
        g.*,
        r.run
    from grid as g
    inner join search_runs as r
        on
            g.space = r.space and g.dataset = r.dataset and g.constraint_id = r.constraint_id
            and g.algorithm = r.algorithm and g.objective = r.objective and g.budget = r.budget
)

select
    p.space,
    p.dataset,
    p.constraint_id,
    p.algorithm,
    p.objective,
    p.budget,
    p.n_evaluated,
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
asof left join search_trajectories as t
    on
        p.space = t.space and p.dataset = t.dataset and p.constraint_id = t.constraint_id
        and p.algorithm = t.algorithm and p.objective = t.objective and p.budget = t.budget and p.run = t.run
        and p.n_evaluated >= t.n_evaluated
group by p.space, p.dataset, p.constraint_id, p.algorithm, p.objective, p.budget, p.n_evaluated
order by p.space, p.dataset, p.constraint_id, p.algorithm, p.objective, p.budget, p.n_evaluated;

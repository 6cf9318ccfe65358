-- One row per space, dataset, class_index, proxy that has a score for some seeds asked for and none for others: null in
-- scores.
create or replace view partial_scores as
select
    space,
    dataset,
    class_index,
    proxy,
    count(*) filter (where status = 'ok') as n_ok,
    count(*) as n_seeds,
    string_agg(distinct status, ', ' order by status) filter (where status <> 'ok') as why
from score_status
where status <> 'not_sampled'
group by space, dataset, class_index, proxy
having n_ok between 1 and n_seeds - 1;

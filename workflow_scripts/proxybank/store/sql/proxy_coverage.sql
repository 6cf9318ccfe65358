-- One row per space, dataset, proxy. share_ok: fraction of the (class, seed) pairs it was asked for that have a score,
-- which are n_pairs; n_not_sampled: pairs that a sample leaves out.
-- seconds: sum over n_pairs of the share of the pass; ms_per_pair: its mean, milliseconds.
create or replace view proxy_coverage as
select
    space,
    dataset,
    proxy,
    count(*) filter (where status = 'ok') / nullif(count(*) filter (where status <> 'not_sampled'), 0) as share_ok,
    count(*) filter (where status = 'singular') as n_singular,
    count(*) filter (where status = 'constant') as n_constant,
    count(*) filter (where status = 'overflow') as n_overflow,
    count(*) filter (where status = 'nan') as n_nan,
    count(*) filter (where status <> 'not_sampled') as n_pairs,
    sum(seconds) as seconds,
    1000 * sum(seconds) / nullif(n_pairs, 0) as ms_per_pair,
    count(*) filter (where status = 'not_sampled') as n_not_sampled
from score_status
group by space, dataset, proxy;

-- One row per space, dataset, proxy. share_ok: fraction of its (class, seed) pairs that have a score.
-- seconds: sum over these pairs of the share of the pass; ms_per_pair: its mean, milliseconds.
create or replace view proxy_coverage as
select
    space,
    dataset,
    proxy,
    count(*) filter (where status = 'ok') / count(*) as share_ok,
    count(*) filter (where status = 'singular') as n_singular,
    count(*) filter (where status = 'constant') as n_constant,
    count(*) filter (where status = 'overflow') as n_overflow,
    count(*) filter (where status = 'nan') as n_nan,
    count(*) as n_pairs,
    sum(seconds) as seconds,
    1000 * avg(seconds) as ms_per_pair
from score_status
group by space, dataset, proxy;

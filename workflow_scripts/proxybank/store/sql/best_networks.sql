-- One row per space, dataset, constraint_id, place: the ten best networks within each set of limits of table regrets.
-- accuracy_pct: final test accuracy, percent; equal ones in the order of arch_index. params_m, mflops: millions.
create or replace view best_networks as
with limits as (
    select distinct
        space,
        dataset,
        constraint_id,
        max_params_m,
        max_mflops,
        max_n_relu
    from regrets
),

feasible as (
    select
        l.space,
        l.dataset,
        l.constraint_id,
        n.arch_index,
        n.arch,
        n.params_m,
        n.mflops,
        n.n_relu,
        a.accuracy_pct,
        row_number() over (
            partition by l.space, l.dataset, l.constraint_id
            order by a.accuracy_pct desc, n.arch_index asc
        ) as place
    from limits as l
    inner join networks as n on l.space = n.space and l.dataset = n.dataset
    inner join accuracies_final as a
        on n.space = a.space and n.dataset = a.dataset and n.arch_index = a.arch_index
    where
        a.split = 'test'
        and n.params_m <= coalesce(l.max_params_m, 'infinity'::double)
        and n.mflops <= coalesce(l.max_mflops, 'infinity'::double)
        and n.n_relu <= coalesce(l.max_n_relu, 'infinity'::double)
)

select
    space,
    dataset,
    constraint_id,
    place,
    arch_index,
    arch,
    accuracy_pct,
    params_m,
    mflops,
    n_relu
from feasible
where place <= 10
order by space, dataset, constraint_id, place;

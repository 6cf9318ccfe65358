-- One row per space, dataset, constraint_id, place: the ten best networks within each set of limits.
-- accuracy_pct: final test accuracy, percent; equal ones in the order of arch_index. params_m, mflops: millions.
create or replace view best_networks as
with feasible as (
    select
        f.space,
        f.dataset,
        f.constraint_id,
        n.arch_index,
        n.arch,
        n.params_m,
        n.mflops,
        n.n_relu,
        a.accuracy_pct,
        row_number() over (
            partition by f.space, f.dataset, f.constraint_id
            order by a.accuracy_pct desc, n.arch_index asc
        ) as place
    from feasible_networks as f
    inner join networks as n using (space, dataset, arch_index)
    inner join accuracies_final as a using (space, dataset, arch_index)
    where a.split = 'test'
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

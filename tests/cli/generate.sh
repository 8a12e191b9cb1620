# The benchmark cases; part of run.sh.

# Their names, as the help lists them.
cases() {
    "$program" generate --help | sed -n '/^Cases$/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p'
}

test_every_case_makes_a_file_that_info_and_validate_accept() {
    local name word
    [ "$(cases | wc -l)" -ge 8 ] || fail 'the help does not list all cases'
    for name in $(cases); do
        fieldcast generate $name -o $name.nc --sequences 2 --frames 3 --grid 64 --seed 4
        grep -q 'built without' err && continue
        expect_code 0
        for word in case "$name" version seed interval checksum; do
            grep -qaF -- "$word" $name.nc || fail "$name.nc does not say '$word'"
        done
        fieldcast validate $name.nc
        expect_code 0
        expect_output '0 errors, 0 warnings'
        fieldcast info $name.nc
        expect_code 0
        expect_output 'sequences    2 of 3 frames'
        expect_output 'checksum     xxh3-64:'
        fieldcast generate $name --help
        expect_code 0
        expect_output "generate $name -o"
    done
}

test_files_hold_all_settings_of_their_case() {
    local word
    fieldcast generate gray-scott -o a.nc --sequences 1 --frames 2 --grid 32 --interval 1
    expect_code 0
    for word in sequences per_trajectory frames interval burn_in grid output_grid length feed kill \
        diffusion_u diffusion_v step seed; do
        grep -qaw -- $word a.nc || fail "no attribute $word"
    done
    fieldcast generate gray-scott -o b.nc --diffusion_u 1
    expect_code 2
    expect_message "did you mean '--diffusion-u'?"
}

test_cases_of_the_fno_data_sets_differ_in_their_defaults_alone() {
    fieldcast generate navier-stokes-1e-5 --help
    expect_output 'kinematic viscosity (default 1e-05)'
    expect_output 'points an axis simulated, even (default 192)'
    local few=(--sequences 2 --frames 2 --grid 64)
    fieldcast generate navier-stokes-1e-5 -o a.nc "${few[@]}" --seed 3
    expect_code 0
    fieldcast generate navier-stokes -o b.nc "${few[@]}" --seed 3 --viscosity 1e-5 --burn-in 1 \
        --per-trajectory 1
    expect_code 0
    local name
    for name in a.nc b.nc; do
        fieldcast info $name
        grep checksum out >$name.sum
    done
    cmp a.nc.sum b.nc.sum
}

test_the_checksum_tells_whether_files_hold_the_same_values() {
    local small=(--sequences 2 --frames 3 --grid 16)
    fieldcast generate wave -o a.nc "${small[@]}"
    fieldcast generate wave -o b.nc "${small[@]}" --per-trajectory 4
    fieldcast generate wave -o c.nc "${small[@]}" --seed 1
    fieldcast generate wave -o d.h5 "${small[@]}" --format well
    local name
    for name in a.nc b.nc c.nc d.h5; do
        fieldcast info $name
        grep -o 'xxh3-64:[0-9a-f]\{16\}$' out >$name.sum || fail "$name has no checksum"
    done
    cmp a.nc.sum b.nc.sum
    cmp a.nc.sum d.h5.sum
    ! cmp -s a.nc.sum c.nc.sum || fail 'other values have the same checksum'
    fieldcast info a.nc --json
    expect_output '"checksum": "xxh3-64:'
}

test_flows_on_the_sphere_are_learned_in_spherical_harmonics() {
    fieldcast generate shallow-water -o flow.nc --sequences 16 --per-trajectory 8 --frames 8 \
        --grid 64 --burn-in 30
    ! grep -q 'built without' err || skip 'built without libsharp'
    fieldcast train flow.nc -o flow.h5 --updates 50
    expect_code 0
    fieldcast info flow.h5
    expect_output 'spherical harmonics'
    fieldcast evaluate flow.h5 flow.nc
    expect_code 0
    awk '/^encoded frame/ { error = $3 } /^climatology In-t/ { mean = $3 }
         END { exit !(error > 0 && error < 0.3 * mean) }' out || fail 'hardly better than the mean'
}

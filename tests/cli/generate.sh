# The benchmark cases; part of run.sh.

# Their names, as the help lists them.
cases() {
    "$program" generate --help | sed -n '/^Cases$/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p'
}

test_every_case_makes_a_file_that_info_and_validate_accept() {
    local name quick
    [ "$(cases | wc -l)" -ge 2 ] || fail 'the help lists no cases'
    for name in $(cases); do
        quick=()
        [ $name = shallow-water ] && quick=(--grid 32 --burn-in 2)
        fieldcast generate $name -o $name.nc --sequences 2 --frames 3 --seed 4 "${quick[@]}"
        grep -q 'built without' err && continue
        expect_code 0
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

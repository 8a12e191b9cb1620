# Data that is larger than memory, generated and trained on; part of run.sh.

test_waves_are_generated_and_a_mistyped_case_is_told() {
    fieldcast generate wave -o waves.nc --sequences 3 --frames 4 --grid 16 --seed 3
    expect_code 0
    expect_only waves.nc out err
    fieldcast info waves.nc
    expect_code 0
    expect_output w_t
    fieldcast generate waves -o other.nc
    expect_code 2
    expect_message "did you mean 'wave'?"
    fieldcast generate wave -o other.nc --grid 17
    expect_code 2
    expect_message 'grid is 17; an even number'
}

# 84 MB of values with 246 MB to take, which is less than three times as many.
test_values_left_in_the_file_teach_the_same_model() {
    command -v h5diff >/dev/null || skip 'h5diff (hdf5-tools) is not installed'
    fieldcast generate wave -o waves.nc --sequences 128 --seed 1
    expect_code 0
    local same=(train waves.nc --updates 200 --codes 8 --set decoder.filters=37 --set fit_frames=300
        --quiet)
    fieldcast "${same[@]}" -o memory.h5
    expect_code 0
    fieldcast "${same[@]}" -o file.h5 --memory 235M
    expect_code 0
    expect_message 'is read in blocks'
    h5diff memory.h5 file.h5 || fail 'the models differ'
    fieldcast evaluate file.h5 waves.nc --json
    expect_code 0
}

test_too_little_memory_is_refused_with_what_is_needed() {
    fieldcast generate wave -o waves.nc --sequences 64 --seed 1
    expect_code 0
    fieldcast train waves.nc -o model.h5 --memory 64M
    expect_code 2
    expect_message 'too little to train on 1280 frames of 0.03 MB; at least'
    fieldcast train waves.nc -o model.h5 --memory 2X
    expect_code 2
    expect_message 'must be a number of bytes, with K, M, G or T'
    expect_only waves.nc out err
}
